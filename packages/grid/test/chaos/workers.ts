import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { WorkerPlan } from './plan.ts'

const WORKER = fileURLToPath(new URL('worker.ts', import.meta.url))
const ROOT = fileURLToPath(new URL('../../../..', import.meta.url))
const FLAGS = ['--conditions=@stigmergy/source', '--import', 'tsx']
const READY_MS = 60_000
const STOP_MS = 30_000

/** A worker process. */
export interface Worker<R> {
  /** Lets it end, and gives what it saw. */
  stop(): Promise<R>
  /** Its event loop stands still for so long. */
  stall(ms: number): void
  signal(name: NodeJS.Signals): void
}

/** Starts a worker and waits until it does what its role says. It ends with this process. */
export async function startWorker<R>(plan: WorkerPlan): Promise<Worker<R>> {
  const child = fork(WORKER, [JSON.stringify(plan)], { cwd: ROOT, execArgv: FLAGS, serialization: 'advanced' })
  await told(child, 'ready', READY_MS, plan.name)
  return {
    async stop() {
      if (child.connected) child.send({ stop: true })
      const { result } = await told<{ readonly result: R }>(child, 'result', STOP_MS, plan.name)
      return result
    },
    stall: (stallMs) => void child.send({ stallMs }),
    signal: (name) => void child.kill(name),
  }
}

function told<M>(child: ChildProcess, name: string, timeoutMs: number, worker: string): Promise<M> {
  return new Promise((resolve, reject) => {
    const end = (act: () => void): void => {
      clearTimeout(timer)
      child.off('message', hear).off('exit', gone)
      act()
    }
    const hear = (message: object): void => {
      if (name in message) end(() => resolve(message as M))
    }
    const gone = (code: number | null): void => end(() => reject(new Error(`worker ${worker} ended with ${code} before its ${name}`)))
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      end(() => reject(new Error(`worker ${worker}: no ${name} after ${timeoutMs} ms`)))
    }, timeoutMs)
    if (child.exitCode !== null) return gone(child.exitCode)
    child.on('message', hear).once('exit', gone)
  })
}
