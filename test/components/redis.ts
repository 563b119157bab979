// Redis, as Debian has it (package `redis-server`): a peer of the benches.
import { existsSync } from 'node:fs'
import { freePort, listens, startProcess } from './process.ts'

export interface RedisServer extends AsyncDisposable {
  readonly url: string
}

/** The program, or undefined where it is not installed. */
export function findRedis(): string | undefined {
  return ['/usr/bin/redis-server'].find((path) => existsSync(path))
}

/** On the loopback, in memory only. */
export async function startRedis(program: string): Promise<RedisServer> {
  const port = await freePort()
  const args = ['--bind', '127.0.0.1', '--port', String(port), '--save', '', '--appendonly', 'no', '--daemonize', 'no']
  const running = await startProcess({ name: 'redis', command: program, args, ready: () => listens(port) })
  return { url: `redis://127.0.0.1:${port}`, [Symbol.asyncDispose]: () => running.stop() }
}
