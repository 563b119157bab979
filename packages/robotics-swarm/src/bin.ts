#!/usr/bin/env node
import { main } from './cli/main.ts'

// Ctrl-C asks the run to end; whatever has not ended shortly after, or at the second Ctrl-C, is cut.
const GRACE_MS = 800
const controller = new AbortController()
const interrupt = (): void => {
  if (controller.signal.aborted) process.exit(130)
  controller.abort()
  setTimeout(() => process.exit(130), GRACE_MS).unref()
}
process.on('SIGINT', interrupt)
process.on('SIGTERM', interrupt)
// A reader that went away (`| head`) is no failure of the run.
process.stdout.on('error', () => process.exit(0))

process.exitCode = await main(process.argv.slice(2), {
  out: (line) => void process.stdout.write(`${line}\n`),
  err: (line) => void process.stderr.write(`${line}\n`),
  env: process.env,
  signal: controller.signal,
})
process.off('SIGINT', interrupt)
process.off('SIGTERM', interrupt)
