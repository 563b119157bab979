// Real servers for tests: started on a free port of this machine, ready when they say so, stopped by their pid.
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, open, readdir, readFile, rm } from 'node:fs/promises'
import { connect, createServer, type AddressInfo } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

export interface ProcessOptions {
  /** What messages call it. */
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
  /** True once it serves. Asked again and again until then; what it throws counts as no. */
  ready(): Promise<boolean>
  /** @default 20000 */
  readonly readyMs?: number
}

/** One running server. */
export interface RunningProcess extends AsyncDisposable {
  readonly pid: number
  /** What it has written to standard output and standard error so far. */
  log(): Promise<string>
  /** Sends a signal and does not wait, as for a pause: SIGSTOP, SIGCONT. */
  signal(name: NodeJS.Signals): void
  /** Stops it by SIGSTOP, and waits until it stands still: a signal takes a moment to be heard. */
  pause(): Promise<void>
  /** Ends it at once, with signal 9, and waits until it is gone. */
  kill(): Promise<void>
  /** Asks it to end, waits two seconds, then kills it. Called again it does nothing. */
  stop(): Promise<void>
}

const STOP_MS = 2000
const LOOK_EVERY_MS = 20

// The kernel ends the server when the process of the tests dies, however it dies.
const WARDEN = ['/usr/bin/setpriv', '/bin/setpriv'].find((path) => process.platform === 'linux' && existsSync(path))

/** True if the kernel says of each of its threads that it is stopped. */
async function standsStill(pid: number): Promise<boolean> {
  const threads = await readdir(`/proc/${pid}/task`)
  const states = await Promise.all(threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/stat`, 'utf8').catch(() => ') T ')))
  return states.every((stat) => stat.includes(') T '))
}

/** Starts it and waits until it is ready. Throws with the end of its log if it ends before, or is not ready in time; then it is gone. */
export async function startProcess(options: ProcessOptions): Promise<RunningProcess> {
  const { name, command, args, env = process.env, cwd, readyMs = 20_000 } = options
  const folder = await mkdtemp(join(tmpdir(), 'stigmergy-log-'))
  const file = join(folder, 'log')
  const log = await open(file, 'w')
  const [program, ...before] = WARDEN === undefined ? [command] : [WARDEN, '--pdeathsig', 'KILL', command]
  // To a file, never to a pipe: a server whose pipe nobody reads stands still.
  const child = spawn(program as string, [...before, ...args], { env, cwd, stdio: ['ignore', log.fd, log.fd] })
  // Before anything is waited for: one that cannot run is gone at once.
  const end = gone(child)
  await log.close()
  const running: RunningProcess = {
    get pid() {
      return child.pid as number
    },
    log: () => readFile(file, 'utf8'),
    signal: (signal) => void child.kill(signal),
    async pause() {
      child.kill('SIGSTOP')
      const untilMs = performance.now() + STOP_MS
      while (process.platform === 'linux' && !(await standsStill(running.pid)) && performance.now() < untilMs) await wait(1)
    },
    async kill() {
      child.kill('SIGKILL')
      await end
      await rm(folder, { recursive: true, force: true })
    },
    async stop() {
      // A stopped process hears SIGTERM only after it goes on.
      child.kill('SIGCONT')
      child.kill('SIGTERM')
      const patience = new AbortController()
      await Promise.race([end, wait(STOP_MS, undefined, { signal: patience.signal }).catch(() => undefined)])
      patience.abort()
      await running.kill()
    },
    [Symbol.asyncDispose]: () => running.stop(),
  }
  const untilMs = performance.now() + readyMs
  while (!(await options.ready().catch(() => false))) {
    const dead = child.exitCode !== null || child.signalCode !== null || child.pid === undefined
    if (!dead && performance.now() < untilMs) await wait(LOOK_EVERY_MS)
    else {
      const said = (await running.log()).slice(-2000)
      await running.kill()
      const why = dead ? `ended with ${String(await end)}` : `was not ready after ${readyMs} ms`
      throw new Error(`${name} ${why}. It said:\n${said}`)
    }
  }
  return running
}

/** Resolves when it is gone, or could not be started: then with the reason. */
function gone(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve(code ?? signal))
    child.once('error', resolve)
  })
}

/** A port of 127.0.0.1 that nobody listens on. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}

/** True if something listens there. */
export function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const end = (found: boolean): void => {
      socket.destroy()
      resolve(found)
    }
    socket.once('connect', () => end(true))
    socket.once('error', () => end(false))
  })
}

/** Runs a program to its end. Throws with what it said if it fails or takes longer. */
export async function runProgram(command: string, args: readonly string[], env: NodeJS.ProcessEnv, timeoutMs: number): Promise<void> {
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'], timeout: timeoutMs, killSignal: 'SIGKILL' })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-4000)))
  const end = await gone(child)
  if (end !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${String(end)}:\n${said}`)
}

/** Where components that were fetched stay, one folder for each; it may not exist yet. */
export function cacheFolder(name: string): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'stigmergy', name)
}
