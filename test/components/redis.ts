// Redis, as Debian has it (package `redis-server`).
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { freePort, listens, startProcess, type RunningProcess } from './process.ts'

/** The program, or undefined where it is not installed. */
export function findRedis(): string | undefined {
  return ['/usr/bin/redis-server'].find((path) => existsSync(path))
}

/** A server of 127.0.0.1 that keeps nothing. */
export async function startRedis(program: string): Promise<RunningProcess & { readonly port: number }> {
  const port = await freePort()
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', tmpdir()]
  const running = await startProcess({ name: 'redis', command: program, args, ready: () => listens(port) })
  return Object.assign(running, { port })
}
