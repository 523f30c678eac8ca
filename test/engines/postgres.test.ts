import { ledgerContract } from '../contract/ledger-contract.ts'
import { openPostgresHarness, postgresOfFile } from '../support/postgres.ts'

const server = postgresOfFile()

ledgerContract('postgres', { open: (t) => openPostgresHarness(t, server) })
