import { spawn } from 'node:child_process'

/**
 * Runs in a process of its own: reads `+PID` and `-PID` line by line, and when its input ends (which it does however this process
 * ends, by kill -9 too) kills all that are left. `+DIR=PATH` and `-DIR=PATH` do the same for a directory.
 */
const PROGRAM = `
const left = new Set()
let text = ''
process.stdin.on('data', (chunk) => {
  text += chunk
  for (let at; (at = text.indexOf('\\n')) >= 0; text = text.slice(at + 1)) {
    const line = text.slice(0, at)
    if (line[0] === '+') left.add(line.slice(1)); else left.delete(line.slice(1))
  }
})
process.stdin.on('close', () => {
  for (const one of left) {
    try {
      if (one.startsWith('DIR=')) require('node:fs').rmSync(one.slice(4), { recursive: true, force: true, maxRetries: 5 })
      else process.kill(Number(one), 'SIGKILL')
    } catch {}
  }
})`

/** Ends what this process started when this process ends, however it ends. */
export interface Watchdog {
  watch(pid: number): void
  unwatch(pid: number): void
  /** A directory to remove, after the processes. */
  watchDirectory(path: string): void
  /** Ends the watchdog, and with it what it still watches. Resolves when it is gone. */
  close(): Promise<void>
}

export function startWatchdog(): Watchdog {
  // In a group of its own, so that Ctrl-C at the terminal ends the test and not the one who cleans up after it.
  const child = spawn(process.execPath, ['-e', PROGRAM], { stdio: ['pipe', 'ignore', 'ignore'], detached: true })
  const { stdin } = child
  child.on('error', () => {})
  stdin.on('error', () => {})
  // Neither keeps this process alive.
  child.unref()
  ;(stdin as unknown as { unref(): void }).unref()
  const gone = new Promise<void>((resolve) => child.once('close', () => resolve()))
  return {
    watch: (pid) => void stdin.write(`+${pid}\n`),
    unwatch: (pid) => void stdin.write(`-${pid}\n`),
    watchDirectory: (path) => void stdin.write(`+DIR=${path}\n`),
    close() {
      child.ref()
      stdin.end()
      return gone
    },
  }
}
