#!/usr/bin/env node
import { main } from './cli/main.ts'

// Ctrl-C asks the run to end; whatever has not ended shortly after, or at the second Ctrl-C, is cut.
const GRACE_MS = 800
const INTERRUPTED = 130
const READER_GONE = 141 // 128 + SIGPIPE, as shells name it
const OUTPUT_LOST = 1

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
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') process.stderr.write(`standard output: ${error.message}\n`)
  brokenOutput ??= error.code === 'EPIPE' ? READER_GONE : OUTPUT_LOST
  if (!controller.signal.aborted) interrupt()
})
// Progress that nobody reads is no loss.
process.stderr.on('error', () => {})

const code = await main(process.argv.slice(2), {
  out: (line) => void process.stdout.write(`${line}\n`),
  err: (line) => void process.stderr.write(`${line}\n`),
  env: process.env,
  signal: controller.signal,
})
for (const signal of signals) process.off(signal, interrupt)
// The last line may still be on its way, and may still fail.
await new Promise<void>((resolve) => {
  if (process.stdout.destroyed) resolve()
  else process.stdout.write('', () => resolve())
})
process.exitCode = brokenOutput ?? code
