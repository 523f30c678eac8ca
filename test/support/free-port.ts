import { createServer } from 'node:net'

/** Below the ports that the system gives to outgoing connections, so that none of them takes it between two lives. */
const firstPort = 20_000
const ports = 12_000

export const freePort = async (): Promise<number> => {
  for (let tried = 0; tried < 100; tried++) {
    const port = firstPort + Math.floor(Math.random() * ports)
    if (await isFree(port)) return port
  }
  throw new Error('No free port was found')
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
