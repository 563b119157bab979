import { FAILED, KIND, SYMPTOM } from './layout.ts'

/** True for what a trace is kept for: a failure and what was decided of it, a violation, what took too long. `kind`: that of a record. */
export function isSymptom(kind: number): boolean {
  return (kind & (FAILED | SYMPTOM)) !== 0 || (kind & 0xff) === KIND.restart
}

/**
 * Which records of a part of a trace are told where there is no room for all: a trace without what it is kept for would be worth nothing.
 * So all symptoms first, also beyond `room` but no more than `most`, the first record, which is the root, and of the others the newest.
 * Undefined: all. Pure.
 */
export function chooseSpans(symptoms: readonly boolean[], room: number, most: number): ReadonlySet<number> | undefined {
  if (symptoms.length <= room) return undefined
  const places = [...symptoms.keys()]
  const chosen = new Set(places.filter((at) => symptoms[at]).slice(0, most))
  if (chosen.size < room) chosen.add(0)
  for (let at = symptoms.length - 1; at > 0 && chosen.size < room; at--) chosen.add(at)
  return chosen
}
