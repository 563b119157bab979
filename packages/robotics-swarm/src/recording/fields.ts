import { SwarmError } from '../errors.ts'
import { parseDecimal, parseStatus, quote } from './numbers.ts'

// The range of dates, in ms around 1970 (ECMA-262, 21.4.1.1). In it each millisecond has a number of its own, and no difference overflows.
const FARTHEST_MS = 8.64e15

/** Checks the fields of a file's rows. Each throws `SwarmError` BAD_RECORDING that quotes the value, with `file:line`. */
export interface FieldChecks {
  session(text: string, line: number): string
  decimal(column: string, text: string, line: number): number
  status(text: string, line: number): number
  /** Time may stand still within a stream, but not go back. */
  time(stream: string, text: string, line: number): number
}

export function createFieldChecks(file: string): FieldChecks {
  const newest = new Map<string, { text: string; tMs: number; line: number }>()
  const bad = (line: number, text: string): SwarmError => new SwarmError('BAD_RECORDING', `${file}:${line}: ${text}`)
  const checks: FieldChecks = {
    session(text, line) {
      if (text === '') throw bad(line, 'session is empty; each row must name its session')
      return text
    },
    decimal(column, text, line) {
      const value = parseDecimal(text)
      if (value === undefined) throw bad(line, `${column} is ${quote(text)}, which is no number`)
      return value
    },
    status(text, line) {
      const value = parseStatus(text)
      if (value === undefined) throw bad(line, `status is ${quote(text)}, which is no status code (0 to 0xffffffff)`)
      return value
    },
    time(stream, text, line) {
      const tMs = checks.decimal('t_ms', text, line)
      if (Math.abs(tMs) > FARTHEST_MS) throw bad(line, `t_ms is ${quote(text)}, which is no time: give ms within ±${FARTHEST_MS}`)
      const last = newest.get(stream)
      if (last === undefined) newest.set(stream, { text, tMs, line })
      else {
        if (tMs < last.tMs) throw bad(line, `time goes backwards in ${stream}: t_ms is ${text} after ${last.text} in line ${last.line}`)
        last.text = text
        last.tMs = tMs
        last.line = line
      }
      return tMs
    },
  }
  return checks
}
