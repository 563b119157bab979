import { badOption, checkNames } from '../../options.ts'
import { IMPOSSIBLE, type SequentialModel } from './model.ts'
import type { Operation } from './operation.ts'
import { Timeline, type Moment } from './timeline.ts'

export interface CheckOptions {
  /** Configurations to look at for one key before it is left undecided. @default 2_000_000 */
  readonly maxConfigurations?: number
}

export type Verdict<I = unknown, O = unknown> =
  | { readonly kind: 'linearizable' }
  | {
      readonly kind: 'not-linearizable'
      readonly key: string
      /** The longest explanation found: operations in an order that the model allows. */
      readonly explained: readonly Operation<I, O>[]
      /** The first operation to return that no explanation reaches. */
      readonly unexplained: Operation<I, O>
    }
  | { readonly kind: 'undecided'; readonly key: string; readonly configurations: number }

/**
 * Is there, for each key, an order of the operations in which the model gives every answer that was given, and in which what
 * returned before another was called comes first? An operation whose outcome is unknown may take its place at any time after its
 * call, or never.
 *
 * The search of Wing and Gong (1993) with the memory of Lowe (2017, "Testing for linearizability"): what was done, as a set, and
 * the state reached are looked at once only. Keys are judged apart, which is right since linearizability is local. It is
 * exponential in the operations under way at once, so the configurations are bounded (I6). Throws `GridError` BAD_OPTION.
 */
export function checkLinearizable<S, I, O>(
  operations: readonly Operation<I, O>[],
  model: SequentialModel<S, I, O>,
  options: CheckOptions = {},
): Verdict<I, O> {
  checkNames('checkLinearizable', options, ['maxConfigurations'])
  const { maxConfigurations = 2_000_000 } = options
  if (!(maxConfigurations >= 1)) throw badOption('maxConfigurations', maxConfigurations, 'a number from 1 on')
  if (typeof (model as Partial<typeof model> | null)?.step !== 'function')
    throw badOption('the model', model, 'one such as registerModel()')
  checkOperations(operations)
  let undecided: Verdict<I, O> | undefined
  for (const [key, ofKey] of byKey(operations)) {
    const verdict = new Search(key, ofKey, model, maxConfigurations).run()
    if (verdict.kind === 'not-linearizable') return verdict
    if (verdict.kind === 'undecided') undecided ??= verdict
  }
  return undecided ?? { kind: 'linearizable' }
}

/** Throws `GridError` BAD_OPTION for what is no history. */
export function checkOperations(operations: unknown): void {
  if (!Array.isArray(operations)) throw badOption('the operations', operations, 'a list, such as the history of a Recorder')
}

/** The operations of each key. */
export function byKey<I, O>(operations: readonly Operation<I, O>[]): Map<string, Operation<I, O>[]> {
  const keys = new Map<string, Operation<I, O>[]>()
  for (const operation of operations) {
    const ofKey = keys.get(operation.key)
    if (ofKey === undefined) keys.set(operation.key, [operation])
    else ofKey.push(operation)
  }
  return keys
}

class Search<S, I, O> {
  readonly #key: string
  readonly #operations: readonly Operation<I, O>[]
  readonly #model: SequentialModel<S, I, O>
  readonly #max: number
  readonly #timeline: Timeline
  /** Done so far, in order, each with the state before it. */
  readonly #done: { readonly call: Moment; readonly before: S }[] = []
  readonly #isDone: Uint16Array
  readonly #seen = new Set<string>()
  #longest: readonly number[] = []

  constructor(key: string, operations: readonly Operation<I, O>[], model: SequentialModel<S, I, O>, max: number) {
    this.#key = key
    this.#operations = operations
    this.#model = model
    this.#max = max
    this.#timeline = new Timeline(operations)
    this.#isDone = new Uint16Array(Math.ceil(operations.length / 16))
  }

  run(): Verdict<I, O> {
    const timeline = this.#timeline
    let state = this.#model.initial
    let moment = timeline.first
    // What never returned need not have happened.
    while (timeline.returnsLeft > 0) {
      if (moment?.kind === 'call') {
        const next = this.#try(moment, state)
        if (next === IMPOSSIBLE) {
          moment = moment.next
          continue
        }
        if (this.#seen.size > this.#max) return { kind: 'undecided', key: this.#key, configurations: this.#max }
        this.#done.push({ call: moment, before: state })
        timeline.take(moment)
        state = next
        moment = timeline.first
        continue
      }
      // A return was reached whose operation could not be done before it: an earlier choice was wrong.
      if (this.#done.length > this.#longest.length) this.#longest = this.#done.map(({ call }) => call.operation)
      const last = this.#done.pop()
      if (last === undefined) return this.#refuted()
      state = last.before
      this.#flip(last.call.operation)
      timeline.putBack(last.call)
      moment = last.call.next
    }
    return { kind: 'linearizable' }
  }

  // The state it leads to; IMPOSSIBLE too where that was looked at before. If possible, it is marked as done.
  #try({ operation }: Moment, state: S): S | typeof IMPOSSIBLE {
    const { input, output, returnedAt } = this.#operations[operation] as Operation<I, O>
    const next = this.#model.step(state, input, output, returnedAt !== undefined)
    if (next === IMPOSSIBLE) return IMPOSSIBLE
    this.#flip(operation)
    const text = this.#model.text?.(next) ?? JSON.stringify(next)
    const configuration = `${String.fromCharCode(...this.#isDone)}${text}`
    if (!this.#seen.has(configuration)) {
      this.#seen.add(configuration)
      return next
    }
    this.#flip(operation)
    return IMPOSSIBLE
  }

  #flip(operation: number): void {
    this.#isDone[operation >> 4] = (this.#isDone[operation >> 4] as number) ^ (1 << (operation & 15))
  }

  #refuted(): Verdict<I, O> {
    const operations = this.#operations
    const explained = new Set(this.#longest)
    const left = operations.filter((operation, at) => operation.returnedAt !== undefined && !explained.has(at))
    const [unexplained] = left.toSorted((a, b) => (a.returnedAt as number) - (b.returnedAt as number))
    return {
      kind: 'not-linearizable',
      key: this.#key,
      explained: this.#longest.map((at) => operations[at] as Operation<I, O>),
      unexplained: unexplained as Operation<I, O>,
    }
  }
}
