/** What every command that talks to the gateway begins with. */
import type { Command } from 'commander'
import { type Api, createApi } from './api.ts'
import { readProfile } from './profile.ts'
import { say } from './say.ts'

export interface Client {
  readonly api: Api
  /** Whether one JSON document is wanted. */
  readonly json: boolean
}

export const clientOf = (command: Command): Client => ({
  api: createApi(readProfile(process.env)),
  json: wantsJson(command),
})

export const wantsJson = (command: Command): boolean => command.optsWithGlobals().json === true

/** The end of a command's help. */
export const examples = (...lines: readonly string[]): string =>
  `\n${say('例子：', 'Examples:')}\n${lines.map((line) => `  ${line}`).join('\n')}`
