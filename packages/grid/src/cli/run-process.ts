import { once } from 'node:events'
import type { CliIo } from './command.ts'

const GRACE_MS = 800
const INTERRUPTED = 130
const READER_GONE = 141 // 128 + SIGPIPE, as shells name it
const OUTPUT_LOST = 1

/** Runs a command line as this process: Ctrl-C asks it to end, and cuts it shortly after; a reader of the output that goes away ends it. */
export async function runProcess(main: (args: readonly string[], io: CliIo) => Promise<number>): Promise<void> {
  const { stdout, stderr } = process
  const controller = new AbortController()
  let brokenOutput: number | undefined

  const interrupt = (): void => {
    if (controller.signal.aborted) process.exit(INTERRUPTED)
    controller.abort()
    setTimeout(() => process.exit(brokenOutput ?? INTERRUPTED), GRACE_MS).unref()
  }
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.on(signal, interrupt)

  // A result that nobody got is no success: end cleanly, and say so by the exit code.
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') stderr.write(`standard output: ${error.message}\n`)
    brokenOutput ??= error.code === 'EPIPE' ? READER_GONE : OUTPUT_LOST
    if (!controller.signal.aborted) interrupt()
  })
  // Progress that nobody reads is no loss.
  stderr.on('error', () => undefined)

  const code = await main(process.argv.slice(2), {
    out: (line) => void stdout.write(`${line}\n`),
    err: (line) => void stderr.write(`${line}\n`),
    async write(bytes) {
      if (!stdout.write(bytes)) await once(stdout, 'drain', { signal: controller.signal })
    },
    async drained() {
      if (!stdout.writableNeedDrain || stdout.destroyed) return
      // Interrupted, which the caller sees by its signal.
      await once(stdout, 'drain', { signal: controller.signal }).catch(() => undefined)
    },
    env: process.env,
    signal: controller.signal,
  })
  for (const signal of signals) process.off(signal, interrupt)
  // The last line may still be on its way, and may still fail.
  await new Promise<void>((resolve) => {
    if (stdout.destroyed) resolve()
    else stdout.write('', () => resolve())
  })
  process.exitCode = brokenOutput ?? code
  // What a module of the user has left open must not keep the process alive.
  setTimeout(() => process.exit(), GRACE_MS).unref()
}
