import type { Command } from 'commander'
import { examples, wantsJson } from './client.ts'
import { gatewayFindings } from './doctor-gateway.ts'
import { machineFindings } from './doctor-machine.ts'
import { portFindings, wechatFinding } from './doctor-network.ts'
import { serverFindings } from './doctor-servers.ts'
import { exitCodes, print, printJson } from './output.ts'
import { type Profile, readProfile } from './profile.ts'
import { say } from './say.ts'
import { columnsOf, paint, plain, type Style, wrapped } from './terminal.ts'

export const addDoctor = (program: Command): void => {
  program
    .command('doctor')
    .description(say('检查运行环境，逐项给出修复办法', 'check what is needed, with a fix for what is wrong'))
    .addHelpText(
      'after',
      examples('hongyan doctor', 'hongyan doctor --json | jq \'.[] | select(.status == "failed")\''),
    )
    .action(doctor)
}

/** What one check found. */
export interface Finding {
  /** Stable; made for programs. */
  readonly check: string
  /** `warning`: it works, and somebody should look at it. `skipped`: could not be checked, or does not matter here. */
  readonly status: 'ok' | 'warning' | 'failed' | 'skipped'
  readonly detail: string
  /** What to do about it. */
  readonly fix?: string
  /** What was measured or read, for programs. */
  readonly facts?: Readonly<Record<string, string | number>>
}

const doctor = async (_options: object, command: Command): Promise<void> => {
  const profile = profileFinding()
  const gateway = await gatewayFindings(profile.profile)
  const findings: readonly Finding[] = [
    ...machineFindings(process.env),
    ...(profile.finding ? [profile.finding] : []),
    ...gateway,
    ...(await serverFindings(process.env)),
    await wechatFinding(process.env, profile.profile),
    ...(await portFindings(
      process.env,
      profile.profile,
      gateway.some(({ check, status }) => check === 'gateway' && status === 'ok'),
    )),
  ]
  if (wantsJson(command)) printJson(findings)
  else for (const line of findings.flatMap(findingLines)) print(line)
  if (findings.some(({ status }) => status === 'failed')) process.exitCode = exitCodes.failed
}

const profileFinding = (): { readonly profile?: Profile; readonly finding?: Finding } => {
  try {
    return { profile: readProfile(process.env) }
  } catch (error) {
    const { message, next } = error as { message: string; next?: string }
    return {
      finding: {
        check: 'profile',
        status: 'failed',
        detail: message,
        ...(next !== undefined && { fix: next }),
      },
    }
  }
}

const marks: Readonly<Record<Finding['status'], readonly [string, Style]>> = {
  ok: ['✔', 'green'],
  warning: ['!', 'yellow'],
  failed: ['✖', 'red'],
  skipped: ['–', 'dim'],
}

const findingLines = ({ status, detail, fix }: Finding): string[] => {
  const [mark, style] = marks[status]
  const columns = columnsOf(process.stdout)
  const lines = wrapped(plain(detail), columns).map((line, at) =>
    at === 0 ? `${paint(style, mark)} ${line.trimStart()}` : line,
  )
  return [...lines, ...(fix === undefined ? [] : wrapped(plain(fix), columns, '    ', '  → '))]
}
