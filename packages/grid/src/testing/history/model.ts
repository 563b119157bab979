/** What one object does when operations reach it one after the other. */
export interface SequentialModel<S, I, O> {
  /** The state of a key before the first operation. */
  readonly initial: S
  /**
   * The state after the operation if it can give this output in this state, else {@link IMPOSSIBLE}. `output` is undefined with
   * `known` false where nobody learnt it: then say what it does to the state.
   */
  step(state: S, input: I, output: O | undefined, known: boolean): S | typeof IMPOSSIBLE
  /** Equal texts for equal states only. @default JSON */
  readonly text?: (state: S) => string
}

/** An operation that cannot give this output in this state. */
export const IMPOSSIBLE: unique symbol = Symbol('impossible')

/** What can be done to a register that may be absent. Values are told apart by `===`, so write none twice. */
export type RegisterInput<V = string | number> =
  | { readonly do: 'read' }
  | { readonly do: 'write'; readonly value: V }
  | { readonly do: 'remove' }
  /** `expected` undefined: only if absent. */
  | { readonly do: 'compare-and-set'; readonly expected: V | undefined; readonly value: V }

/** Of a read, the value; of a compare-and-set, whether it was done; of the others, anything. */
export type RegisterOutput<V = string | number> = V | boolean | undefined

/** A register with compare-and-set, absent at first. */
export function registerModel<V extends string | number>(): SequentialModel<V | undefined, RegisterInput<V>, RegisterOutput<V>> {
  return {
    initial: undefined,
    step(state, input, output, known) {
      if (input.do === 'write') return input.value
      if (input.do === 'remove') return undefined
      if (input.do === 'read') return !known || output === state ? state : IMPOSSIBLE
      const done = input.expected === state
      if (known && output !== done) return IMPOSSIBLE
      return done ? input.value : state
    },
    text: (state) => (state === undefined ? '' : `${typeof state}:${state}`),
  }
}
