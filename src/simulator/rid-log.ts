/** The requests that were refused, for openapi/rid/get: the last thousand, for seven days (D). */
export interface RidRecord {
  readonly appid: string | undefined
  /** Milliseconds, simulated. */
  readonly at: number
  readonly url: string
  readonly body: string
  readonly response: string
  readonly clientIp: string
}

export interface RidLog {
  record(request: RidRecord): void
  find(rid: string, now: number): RidRecord | undefined
  clear(): void
}

const requestsKept = 1_000
const keptMs = 7 * 86_400_000
const ridSuffix = / rid: ([0-9a-f-]{26})"/

export const createRidLog = (): RidLog => {
  const requests = new Map<string, RidRecord>()
  return {
    record: (request) => {
      const rid = ridSuffix.exec(request.response)?.[1]
      if (rid === undefined) return
      requests.set(rid, request)
      for (const oldest of requests.keys()) {
        if (requests.size <= requestsKept) break
        requests.delete(oldest)
      }
    },
    find: (rid, now) => {
      const request = requests.get(rid)
      return request !== undefined && now - request.at < keptMs ? request : undefined
    },
    clear: () => requests.clear(),
  }
}
