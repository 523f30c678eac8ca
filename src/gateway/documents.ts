import { createReadStream } from 'node:fs'
import { fileURLToPath } from 'node:url'
import swagger from '@fastify/swagger'
import type { FastifyInstance } from 'fastify'
import type { RouteParts } from './gateway.ts'
import { docsPage, docsScript, welcomePage } from './pages.ts'

/** The OpenAPI document, made from the routes' own schemas; its viewer; and the plain page at `/`. */
export const documentRoutes = async (app: FastifyInstance, { version }: RouteParts): Promise<void> => {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Hongyan',
        version,
        description: 'Delivers WeChat template and subscribe messages, and says what became of each.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      components: {
        securitySchemes: {
          signature: { type: 'http', scheme: 'HONGYAN-HMAC-SHA256', description: 'See docs/signing.md.' },
          params: { type: 'apiKey', in: 'query', name: 'signature', description: 'See docs/signing.md.' },
          bearer: { type: 'http', scheme: 'bearer', description: 'For inner networks; can be switched off.' },
        },
      },
    },
    hideUntagged: true,
  })

  app.get('/openapi.json', async (_request, reply) =>
    reply.type('application/json; charset=utf-8').serializer(JSON.stringify).send(app.swagger()),
  )
  for (const [path, page] of [
    ['/', welcomePage(version)],
    ['/docs', docsPage],
  ] as const)
    app.get(path, async (_request, reply) =>
      reply.type('text/html; charset=utf-8').headers(pageHeaders).send(page),
    )
  app.get('/docs/start.js', async (_request, reply) =>
    reply.type('text/javascript; charset=utf-8').send(docsScript),
  )
  for (const [name, type] of viewerFiles)
    app.get(`/docs/${name}`, async (_request, reply) =>
      reply
        .type(type)
        .header('Cache-Control', 'max-age=86400')
        .send(createReadStream(viewerFile(name))),
    )
}

/** The viewer's files are sent from its package as they are; nothing of it is loaded into this process. */
const viewerFiles = [
  ['swagger-ui.css', 'text/css; charset=utf-8'],
  ['swagger-ui-bundle.js', 'text/javascript; charset=utf-8'],
] as const

const viewerFile = (name: string): string => fileURLToPath(import.meta.resolve(`swagger-ui-dist/${name}`))

/** No page loads anything from elsewhere. The viewer sets styles by itself and draws with data: images. */
const pageHeaders = {
  'Content-Security-Policy':
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
}
