import { accessSync, constants, existsSync, statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import { version as hongyan } from '../version.ts'
import type { Finding } from './doctor.ts'
import { homeOf } from './profile.ts'
import { say } from './say.ts'

type Environment = Readonly<Record<string, string | undefined>>

const neededNode = 24
const neededBytes = 1024 ** 3

export const machineFindings = (env: Environment): readonly Finding[] => {
  const home = homeOf(env)
  return [nodeFinding(process.versions.node, process.execPath), homeFinding(home), diskFinding(home)]
}

const nodeFinding = (version: string, path: string): Finding => {
  const detail = `Node.js ${version} (${path})`
  const facts = { version, hongyan }
  if (Number(version.split('.', 1)[0]) >= neededNode) return { check: 'node', status: 'ok', detail, facts }
  return {
    check: 'node',
    status: 'failed',
    detail,
    fix: say(
      `需要 Node.js ${neededNode} 或更新：用 npm run hongyan 运行，它自带。`,
      `Node.js ${neededNode} or newer is needed: npm run hongyan brings its own.`,
    ),
    facts,
  }
}

const homeFinding = (home: string): Finding => {
  const place = nearestExisting(home)
  const about = place === home ? home : say(`${home}（还不存在）`, `${home} (not there yet)`)
  try {
    accessSync(place, constants.W_OK | constants.X_OK)
    return {
      check: 'home',
      status: 'ok',
      detail: say(`数据目录可写：${about}`, `The home can be written: ${about}`),
    }
  } catch {
    return {
      check: 'home',
      status: 'failed',
      detail: say(`数据目录不可写：${about}`, `The home cannot be written: ${about}`),
      fix: say(
        '修改权限，或把 HONGYAN_HOME 指向另一个目录。',
        'Change its permissions, or let HONGYAN_HOME name another folder.',
      ),
    }
  }
}

const diskFinding = (home: string): Finding => {
  const { bavail, bsize } = statfsSync(nearestExisting(home))
  const free = bavail * bsize
  const size = `${(free / 1024 ** 3).toFixed(1)} GB`
  if (free >= neededBytes)
    return { check: 'disk', status: 'ok', detail: say(`磁盘剩余 ${size}`, `${size} of disk are free`) }
  return {
    check: 'disk',
    status: 'failed',
    detail: say(`磁盘只剩 ${size}`, `Only ${size} of disk are free`),
    fix: say(
      '至少留出 1 GB：磁盘写满后不再接受消息。',
      'Make room for at least 1 GB: on a full disk no message is accepted.',
    ),
  }
}

const nearestExisting = (path: string): string =>
  existsSync(path) || dirname(path) === path ? path : nearestExisting(dirname(path))
