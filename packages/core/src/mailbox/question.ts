/** A question that waits for its answer, and the question for whose sake it was asked. Carried by the envelope. */
export interface Question {
  /** The agent that asks; undefined: nobody of this system. */
  readonly asker: string | undefined
  readonly asked: string
  /** True until it is answered or given up. */
  readonly open: boolean
  readonly because: Question | undefined
}

/**
 * The way around, if `asker` asking `asked` would make an agent wait for itself: `['a', 'b', 'a']`. Pure. Questions that have their
 * answer already make nobody wait.
 */
export function cycleOf(asker: string | undefined, asked: string, because: Question | undefined): readonly string[] | undefined {
  // Nobody asked for its sake: what most questions are, and nothing is made for them.
  if (because === undefined && asker !== asked) return undefined
  const way: string[] = [asked]
  if (asker !== undefined) way.unshift(asker)
  if (asker === asked) return way
  for (let question = because; question !== undefined; question = question.because) {
    if (!question.open || question.asker === undefined) continue
    if (way[0] !== question.asker) way.unshift(question.asker)
    if (question.asker === asked) return way
  }
  return undefined
}

/** Whose step is running, and which question it answers: set around each step, like the trace. */
export interface Turn {
  agentId: string | undefined
  question: Question | undefined
}
