// PostgreSQL, as Debian has it (package `postgresql`).
import { existsSync, readdirSync } from 'node:fs'
import { chown, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execFileSync } from 'node:child_process'
import { freePort, runProgram, startProcess } from './process.ts'

const ROOT = '/usr/lib/postgresql'

export interface PostgresServer extends AsyncDisposable {
  readonly port: number
  readonly user: string
}

/** The folder of its programs, or undefined where it is not installed. */
export function findPostgres(): string | undefined {
  if (!existsSync(ROOT)) return undefined
  return readdirSync(ROOT)
    .map((version) => join(ROOT, version, 'bin'))
    .findLast((bin) => existsSync(join(bin, 'initdb')) && existsSync(join(bin, 'postgres')))
}

/** It refuses to run as root: then it runs as the user that Debian made for it. */
function asWhom(): readonly string[] {
  return process.getuid?.() === 0 ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'] : []
}

/** A server of 127.0.0.1 with an empty database `postgres`, which asks for no password. */
export async function startPostgres(bin: string): Promise<PostgresServer> {
  const folder = await mkdtemp(join(tmpdir(), 'stigmergy-postgres-'))
  const before = asWhom()
  if (before.length > 0) {
    const idOf = (flag: string): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
    await chown(folder, idOf('-u'), idOf('-g'))
  }
  const data = join(folder, 'data')
  const run = (program: string, args: readonly string[]): readonly [string, ...string[]] => [
    ...(before as [string, ...string[]]),
    join(bin, program),
    ...args,
  ]
  const [make, ...how] = run('initdb', ['-D', data, '-U', 'robot', '-A', 'trust', '--no-sync', '--no-instructions'])
  await runProgram(make, how, process.env, 30_000)
  const port = await freePort()
  const [command, ...args] = run('postgres', ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', folder, '-F'])
  // It listens some time before it answers.
  const ready = async (): Promise<boolean> => {
    await runProgram(join(bin, 'pg_isready'), ['-q', '-h', '127.0.0.1', '-p', String(port)], process.env, 5000)
    return true
  }
  const running = await startProcess({ name: 'postgres', command, args, cwd: folder, ready })
  return {
    port,
    user: 'robot',
    async [Symbol.asyncDispose]() {
      await running.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
