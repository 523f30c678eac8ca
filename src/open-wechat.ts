/** Joins everything that sends, and what it passes before its call. */
import { randomUUID } from 'node:crypto'
import { longestPostMs } from './config.ts'
import type { Shelf } from './coordination.ts'
import type { Directory, Vault } from './directory.ts'
import { createGates, type Gates } from './gates.ts'
import type { Holds } from './holds.ts'
import type { Foundation } from './open-engine.ts'
import { createQuotaWatch } from './quota-watch.ts'
import { senderByChannel } from './sender.ts'
import type { Policy } from './settlement.ts'
import { createWebhookAddresses } from './webhooks/address.ts'
import { createWebhookSender } from './webhooks/sender.ts'
import { createAccountCheck } from './wechat/account-check.ts'
import { createWechatClient, type WechatClient } from './wechat/client.ts'
import { fallbackOrigins } from './wechat/hosts.ts'
import { createPlatforms } from './wechat/platform.ts'
import { createQuotaReader } from './wechat/quota.ts'
import { createSender } from './wechat/sender.ts'
import { createSharedAsk } from './wechat/shared-token.ts'
import { createTokenCentre, type TokenCentre } from './wechat/token-centre.ts'
import { createTokenEndpoints } from './wechat/token-endpoint.ts'
import { createTokenSource } from './wechat/token-source.ts'

/** Everything that sends, and what it needs of WeChat. */
export const openWechat = ({
  config,
  directory,
  clock,
  observer: { observe },
  vault,
  shelf,
}: Pick<Foundation, 'config' | 'clock' | 'observer'> & {
  readonly directory: Directory
  readonly vault: Vault
  readonly shelf: Shelf | undefined
}) => {
  const client = createWechatClient({
    origin: config.wechat,
    fallbacks: fallbackOrigins(config.wechat, config.wechatFallbacks),
    connections: config.concurrency,
    timeoutMs: config.callTimeoutMs,
    clock,
    observe,
  })
  const accountOf = directory.account
  const endpoints = createTokenEndpoints({ clock, timeoutMs: Math.min(config.callTimeoutMs, 5000) })
  const platforms = createPlatforms({ client, directory, clock, observe }, () => tokens)
  const ask = createTokenSource({ client, askEndpoint: endpoints.ask, ...platforms })
  const callMs = config.callTimeoutMs
  const tokens = createTokenCentre({
    ask: shelf ? createSharedAsk({ ask, shelf, vault, clock, newId: randomUUID, callMs }) : ask,
    inSteps: shelf !== undefined,
    accountOf,
    clock,
    random: Math.random,
    observe,
    patienceMs: callMs,
  })
  const addresses = createWebhookAddresses(config.webhookHosts)
  const sender = senderByChannel({
    wechat: createSender({ client, tokens, accountOf, clock }),
    webhook: createWebhookSender({
      accountOf,
      addresses,
      clock,
      timeoutMs: longestPostMs(config.callTimeoutMs),
    }),
  })
  return {
    addresses,
    client,
    tokens,
    platforms,
    checkAccount: createAccountCheck({ client, tokens, accountOf }),
    sender: {
      ...sender,
      close: async () => {
        await Promise.all([sender.close(), endpoints.close()])
      },
    },
  }
}

/** What deliveries pass before their call, with the books of what accounts may send. */
export const openGates = (
  parts: Omit<Foundation, 'log' | 'store'> & {
    readonly directory: Directory
    readonly client: WechatClient
    readonly tokens: TokenCentre
    readonly policy: Policy
    readonly holds: Holds
  },
): Gates => {
  const { config, engine, clock, observer, directory, client, tokens, policy, holds } = parts
  const { calls, bulletin } = engine.coordination
  const watch = createQuotaWatch({
    askQuota: createQuotaReader({ client, tokens }),
    mayAsk: calls?.mayAsk,
    release: engine.queue.release,
    clock,
    observe: observer.observe,
  })
  const limitsOf = (appid: string) => directory.account(appid)?.limits
  const { concurrency } = config
  const sharing = calls && bulletin && { calls, bulletin, clock }
  return createGates({ policy, random: Math.random, concurrency, holds, limitsOf, watch, sharing })
}
