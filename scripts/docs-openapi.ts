/** Writes docs/openapi.json: the document that the gateway serves. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createApp, type GatewayParts } from '../src/gateway/gateway.ts'
import { createObserver } from '../src/observe.ts'

export const openapiFile = join(import.meta.dirname, '..', 'docs', 'openapi.json')

/** The document needs routes and schemas only, so nothing behind the routes is there. */
export const renderOpenapi = async (): Promise<string> => {
  const parts = { observer: createObserver(), version: '1', allowBearer: true } as unknown as GatewayParts
  const app = await createApp(parts)
  const document = app.swagger()
  await app.close()
  return `${JSON.stringify(document, null, 2)}\n`
}

if (import.meta.main) writeFileSync(openapiFile, await renderOpenapi())
