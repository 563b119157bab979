import type { Verdict } from './linearizable.ts'
import type { Operation } from './operation.ts'

/** Operations shown of a long explanation. */
const SHOWN = 12

/** A verdict in words: for a refuted history what could be explained last, and what could not. */
export function describeVerdict(verdict: Verdict): string {
  if (verdict.kind === 'linearizable') return 'linearizable'
  const key = JSON.stringify(verdict.key)
  if (verdict.kind === 'undecided') return `key ${key} is undecided after ${verdict.configurations} configurations`
  const { explained, unexplained } = verdict
  const hidden = explained.length - SHOWN
  const lines = explained.slice(-SHOWN).map((operation) => `  ${line(operation)}`)
  const from = hidden > 0 ? `  (${hidden} before these)\n` : ''
  return `key ${key} is not linearizable. Explained, in order:\n${from}${lines.join('\n')}\nNot explained:\n  ${line(unexplained)}`
}

function line({ process, input, output, calledAt, returnedAt }: Operation): string {
  const end = returnedAt === undefined ? 'outcome unknown' : `${JSON.stringify(output)} at ${returnedAt.toFixed(3)}`
  return `${process} ${JSON.stringify(input)} called at ${calledAt.toFixed(3)} -> ${end}`
}
