import { TelemetryError } from '../errors.ts'
import { quote } from '../options.ts'
import { guardStream } from './guarded-stream.ts'
import { onRejected } from '../promised.ts'

/**
 * The option `warn`, or a line on stderr. Who warns is a guest too, and is called where nobody would catch what it throws (I7).
 * Throws `TelemetryError` BAD_OPTION.
 */
export function warnOf(given: unknown): (line: string) => void {
  if (given === undefined) {
    const out = guardStream(process.stderr, () => {}, false)
    return (line) => out.write(`${line}\n`)
  }
  if (typeof given !== 'function') throw new TelemetryError('BAD_OPTION', `warn is ${quote(given)}: give a function that takes a line`)
  return (line) => {
    try {
      const answer: unknown = given(line)
      onRejected(answer, () => {})
    } catch {
      // Nobody is left to be told.
    }
  }
}
