import { Worker } from 'node:worker_threads'
import type { Report } from './report.ts'

/** Ends a run whose file takes too long, also when the file spins and no timer of this thread can fire. */
export interface Watchdog {
  /** A file starts: its time begins. */
  readonly file: (file: string) => void
  /** That file says that it may take longer than others: counted from now. */
  readonly allow: (limitMs: number) => void
  /** A test of that file starts. */
  readonly running: (name: string) => void
  /** Stops watching. */
  readonly close: () => Promise<void>
}

/** Says which test did not end. */
export const tooLong = (running: string, limitMs: number): string => `still running after ${limitMs / 1000} s: ${running}`

// The other thread: asks this one to end the run, and kills the process if it does not within 2 s.
const WATCHER = `
const { parentPort } = require('node:worker_threads')
const { writeSync } = require('node:fs')
let timer
parentPort.on('message', ({ limitMs, words }) => {
  if (limitMs !== undefined) {
    clearTimeout(timer)
    timer = setTimeout(() => {
      parentPort.postMessage('expired')
      timer = setTimeout(() => {
        try { writeSync(1, globalThis.words) } finally { process.kill(process.pid, 'SIGKILL') }
      }, 2000)
    }, limitMs)
  }
  globalThis.words = words
})`

/**
 * Starts a watchdog of `perFileMs`; undefined watches nothing. `onExpired` gets the name of the running test and the limit.
 * `lastWords` is what the other thread prints when this one never yields.
 */
export const startWatchdog = (
  perFileMs: number | undefined,
  lastWords: Report['lastWords'],
  onExpired: (file: string, running: string, limitMs: number) => void,
): Watchdog => {
  if (perFileMs === undefined) return { file: () => {}, allow: () => {}, running: () => {}, close: async () => {} }

  const worker = new Worker(WATCHER, { eval: true, execArgv: [], stdin: false })
  let limitMs = perFileMs
  let now = { file: '', running: '' }
  worker.on('message', () => onExpired(now.file, now.running, limitMs))
  // After the listener, which would keep the process alive: a promise that never settles must end the run at once.
  worker.unref()

  const tell = (restart: boolean): void =>
    worker.postMessage({
      limitMs: restart ? limitMs : undefined,
      words: lastWords(now.file, `${tooLong(now.running, limitMs)}; it never yielded, so the run was killed`),
    })
  return {
    file: (file) => {
      limitMs = perFileMs
      now = { file, running: 'importing the file' }
      tell(true)
    },
    allow: (ms) => {
      limitMs = Math.max(perFileMs, ms)
      tell(true)
    },
    running: (running) => {
      now = { ...now, running }
      tell(false)
    },
    close: async () => {
      await worker.terminate()
    },
  }
}
