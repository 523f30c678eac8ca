/** WeChat's two lists of templates, and its token API, over HTTP: the documented bodies and nothing else. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { atEnd } from './at-end.ts'

type Family = 'template' | 'subscribe'

export interface TemplateApi {
  /** Origin. */
  readonly url: string
  /** Paths that were asked for a list, with their queries. */
  readonly asked: readonly string[]
  /** What the lists answer from now on; one that is not named is not granted to the account (48001). */
  answers(bodies: { readonly [family in Family]?: unknown }): void
  /** Answers 40001 to this token from now on. */
  rejects(token: string): void
}

const families: Readonly<Record<string, Family>> = {
  '/cgi-bin/template/get_all_private_template': 'template',
  '/wxaapi/newtmpl/gettemplate': 'subscribe',
}

/** The success of a list: only that of subscribe messages carries an errcode. */
export const listOf = (family: Family, ...entries: readonly object[]): object =>
  family === 'template' ? { template_list: entries } : { errcode: 0, errmsg: 'ok', data: entries }

export const startTemplateApi = async (t: TestContext): Promise<TemplateApi> => {
  const asked: string[] = []
  const rejected = new Set<string | null>()
  let bodies: { readonly [family in Family]?: unknown } = {}

  const bodyFor = (path: string): unknown => {
    const url = new URL(path, 'http://wechat')
    if (url.pathname === '/cgi-bin/stable_token') return { access_token: 'T', expires_in: 7200 }
    const family = families[url.pathname]
    if (family === undefined) return { errcode: 40066, errmsg: 'invalid url' }
    asked.push(path)
    if (rejected.has(url.searchParams.get('access_token')))
      return { errcode: 40001, errmsg: 'invalid credential' }
    return bodies[family] ?? { errcode: 48001, errmsg: 'api unauthorized' }
  }
  const server = createServer((request, response) => {
    request.resume()
    response.end(JSON.stringify(bodyFor(request.url ?? '')))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  atEnd(t, () => {
    server.close()
    server.closeAllConnections()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    answers(next) {
      bodies = next
    },
    rejects: (token) => void rejected.add(token),
  }
}
