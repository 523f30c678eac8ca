import { ledgerContract } from '../contract/ledger-contract.ts'
import { openRedisHarness } from '../support/redis.ts'

ledgerContract('redis', { open: openRedisHarness })
