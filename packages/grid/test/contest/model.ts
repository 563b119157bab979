import { IMPOSSIBLE, type SequentialModel } from '@stigmergy/grid/testing'

/** A write under a fence on the revision that was read, and a read. */
export type StoreInput =
  | { readonly do: 'read' }
  | { readonly do: 'commit'; readonly expectedRev: number; readonly token: number; readonly owner: string }

/** Of a read, the revision; of a commit, the revision it made or why it was refused. */
export type StoreOutput = number | 'STORE_CONFLICT' | 'STORE_FENCED'

interface StoreState {
  readonly rev: number
  readonly token: number
  readonly owner: string
}

/** What a record of a store does when operations reach it one after the other (I1). */
export const storeModel: SequentialModel<StoreState, StoreInput, StoreOutput> = {
  initial: { rev: 0, token: 0, owner: '' },
  step(state, input, output, known) {
    if (input.do === 'read') return !known || output === state.rev ? state : IMPOSSIBLE
    const { expectedRev, token, owner } = input
    const stale = state.rev > 0 && (token < state.token || (token === state.token && owner !== state.owner))
    const answer = stale ? 'STORE_FENCED' : expectedRev === state.rev ? state.rev + 1 : 'STORE_CONFLICT'
    if (known && output !== answer) return IMPOSSIBLE
    return typeof answer === 'number' ? { rev: answer, token, owner } : state
  },
}

export type LeaseInput = { readonly do: 'acquire' | 'release'; readonly owner: string }

/** Of an acquire, the token or undefined where another held it; of a release, nothing. */
export type LeaseOutput = number | undefined

interface LeaseState {
  readonly token: number
  readonly owner: string | undefined
}

/** A lease of which nobody's time ends: whoever has it keeps it until it is released. */
export const leaseModel: SequentialModel<LeaseState, LeaseInput, LeaseOutput> = {
  initial: { token: 0, owner: undefined },
  step(state, { do: what, owner }, output, known) {
    if (what === 'release') return state.owner === owner ? { ...state, owner: undefined } : state
    const token = state.owner === undefined ? state.token + 1 : undefined
    if (known && output !== token) return IMPOSSIBLE
    return token === undefined ? state : { token, owner }
  },
}
