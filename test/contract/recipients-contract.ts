import { suite } from 'node:test'
import type { ContractOptions } from '../support/harness.ts'
import { conditions } from './recipients/conditions.ts'
import { contacts } from './recipients/contacts.ts'
import { grants } from './recipients/grants.ts'
import { receipts } from './recipients/receipts.ts'

/** All that the books on people promise, and the queue where it reads them. Every engine is held to every clause. */
export const recipientsContract = (engine: string, options: ContractOptions) =>
  suite(`${engine} keeps the books on recipients`, () => {
    suite('grants', () => grants(options))
    suite('receipts', () => receipts(options))
    suite('contacts and notes', () => contacts(options))
    suite('what is parked for a condition', () => conditions(options))
  })
