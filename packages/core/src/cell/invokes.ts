import { fromPromise, type AnyActorLogic, type AnyActorRef } from 'xstate'

// XState marks no logic as a promise's: but all of them share this function, and no other logic has it.
const PROMISE = String(fromPromise(() => Promise.resolve()).transition)

interface Inside {
  /** Not in XState's types; `gates`: of ours, what is behind a gate. */
  readonly logic?: AnyActorLogic & { readonly gates?: AnyActorLogic }
}

/** Ids of the promises that are under way among the children in a snapshot and theirs. */
export function promisesUnder(snapshot: unknown): readonly string[] {
  const { children } = (snapshot ?? {}) as { readonly children?: Readonly<Record<string, AnyActorRef | undefined>> }
  return Object.entries(children ?? {}).flatMap(([id, child]) => {
    if (child === undefined) return []
    const { logic } = child as unknown as Inside
    const inner: unknown = child.getSnapshot()
    const underWay = (inner as { readonly status?: string } | undefined)?.status === 'active'
    if (underWay && String((logic?.gates ?? logic)?.transition) === PROMISE) return [id]
    return promisesUnder(inner)
  })
}
