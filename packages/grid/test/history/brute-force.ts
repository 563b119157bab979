import { IMPOSSIBLE, type Operation, type SequentialModel } from '@stigmergy/grid/testing'

/** Tries every order there is: what the checker must agree with on histories small enough. All operations are of one key. */
export function bruteForce<S, I, O>(operations: readonly Operation<I, O>[], model: SequentialModel<S, I, O>): boolean {
  const explain = (left: readonly Operation<I, O>[], state: S): boolean => {
    if (left.every(({ returnedAt }) => returnedAt === undefined)) return true
    return left.some((operation) => {
      // What returned before it was called must have been done.
      if (left.some((other) => other !== operation && (other.returnedAt ?? Infinity) < operation.calledAt)) return false
      const next = model.step(state, operation.input, operation.output, operation.returnedAt !== undefined)
      if (next === IMPOSSIBLE) return false
      const rest = left.filter((other) => other !== operation)
      return explain(rest, next)
    })
  }
  return explain(operations, model.initial)
}
