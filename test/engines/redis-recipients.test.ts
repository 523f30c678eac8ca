import { recipientsContract } from '../contract/recipients-contract.ts'
import { openRedisHarness } from '../support/redis.ts'

recipientsContract('redis', { open: openRedisHarness })
