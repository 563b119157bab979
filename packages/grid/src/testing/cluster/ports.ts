import { randomInt } from 'node:crypto'
import { connect, createServer } from 'node:net'
import { splitAddress } from './options.ts'

/** Below the ports that systems hand out themselves to outgoing connections, which could take one before a member does. */
const [LOWEST, HIGHEST] = [15_000, 32_000]

/** Is the port of the loopback free to listen on? */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => resolve(true)))
  })
}

/** As many free ports of the loopback, none of `not`. */
export async function freePorts(count: number, not: readonly number[] = []): Promise<readonly number[]> {
  const ports = new Set<number>()
  while (ports.size < count) {
    const port = randomInt(LOWEST, HIGHEST)
    if (!not.includes(port) && !ports.has(port) && (await isFree(port))) ports.add(port)
  }
  return [...ports]
}

/** Does anything listen there? */
export function listens(address: string, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ ...splitAddress(address), timeout: timeoutMs })
    const end = (answer: boolean) => (): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', end(true)).once('error', end(false)).once('timeout', end(false))
  })
}
