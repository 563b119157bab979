import type { TraceContext } from '../map/trace.ts'
import { copyTrace } from '../map/trace.ts'
import { badOption, checkNames } from '../store/rules.ts'

const DEEPEST = 500
const WANTED = 'what JSON can say as it is: plain objects, arrays, strings, booleans, null and numbers but NaN and infinite ones'

/**
 * The document as it will be read: the caller may change its own afterwards. What JSON would change, leave out or cannot say is refused, so
 * that no plan is kept that nobody made. Only a property that is undefined is left out. Throws `StoreError` BAD_OPTION with its path.
 */
export function takeDocument(document: unknown): unknown {
  check(document, 'document', [])
  return JSON.parse(JSON.stringify(document))
}

/** Throws `StoreError` BAD_OPTION. */
export function takeTrace(trace: TraceContext | undefined): TraceContext | null {
  if (trace === undefined) return null
  checkNames('trace', trace, ['traceId', 'spanId', 'traceFlags', 'planId'])
  const { traceId, spanId, traceFlags, planId } = trace
  if (typeof traceId !== 'string') throw badOption('trace.traceId', traceId, '32 hex digits')
  if (typeof spanId !== 'string') throw badOption('trace.spanId', spanId, '16 hex digits')
  if (!Number.isSafeInteger(traceFlags)) throw badOption('trace.traceFlags', traceFlags, 'a whole number')
  if (planId !== undefined && typeof planId !== 'string') throw badOption('trace.planId', planId, 'a string')
  return copyTrace(trace)
}

/** `above`: the objects it is in, so that a circle ends. */
function check(value: unknown, path: string, above: readonly object[]): void {
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)) return
  if (typeof value !== 'object') throw badOption(path, value, WANTED)
  if (above.includes(value)) throw badOption(path, 'an object that it is part of', WANTED)
  if (above.length >= DEEPEST) throw badOption(path, value, `at most ${DEEPEST} objects in each other`)
  const within = [...above, value]
  if (Array.isArray(value)) {
    // Not by its own iterator, which leaves no hole to be seen.
    for (let at = 0; at < value.length; at++) check(value[at] as unknown, `${path}[${at}]`, within)
    return
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== null && prototype !== Object.prototype) {
    throw badOption(path, `a ${value.constructor.name}`, WANTED)
  }
  for (const [name, each] of Object.entries(value)) if (each !== undefined) check(each, `${path}.${name}`, within)
}
