import type { FastifyInstance } from 'fastify'

/** Remembers every route that is added, and answers which methods an address takes. */
export const watchRoutes = (app: FastifyInstance): ((path: string) => readonly string[]) => {
  const shapes = new Map<string, { readonly shape: RegExp; readonly methods: Set<string> }>()

  app.addHook('onRoute', ({ url, method }) => {
    const entry = shapes.get(url) ?? { shape: shapeOf(url), methods: new Set<string>() }
    for (const each of [method].flat()) entry.methods.add(each)
    shapes.set(url, entry)
  })

  return (path) =>
    [...shapes.values()].filter(({ shape }) => shape.test(path)).flatMap(({ methods }) => [...methods])
}

/** `/v1/messages/:id/cancel` as the addresses it stands for. */
const shapeOf = (url: string): RegExp =>
  new RegExp(
    `^${url
      .split('/')
      .map((part) => (part.startsWith(':') ? '[^/]+' : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')))
      .join('/')}$`,
  )
