import { queueContract } from '../contract/queue-contract.ts'
import { queueModel } from '../contract/queue-model.ts'
import { openRedisHarness } from '../support/redis.ts'

const open = openRedisHarness

queueContract('redis', { open })
queueModel('redis', { open })
