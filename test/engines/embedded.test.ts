import { ledgerContract } from '../contract/ledger-contract.ts'
import { queueContract } from '../contract/queue-contract.ts'
import { queueModel } from '../contract/queue-model.ts'
import { recipientsContract } from '../contract/recipients-contract.ts'
import { openEmbeddedHarness } from '../support/embedded.ts'

const open = openEmbeddedHarness

queueContract('embedded', { open })
ledgerContract('embedded', { open })
queueModel('embedded', { open })
recipientsContract('embedded', { open })
