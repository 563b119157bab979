import type { Clock } from '../time/clock.ts'
import type { Entry } from './entry.ts'
import { isGridError } from '../errors.ts'
import type { CompareAndSetResult, WriteOptions } from '../grid.ts'
import { OneAtATime, type Round } from './one-at-a-time.ts'
import { promiseRefused } from '../options.ts'
import type { Reader } from './reader.ts'
import type { Replica } from './replica.ts'
import type { Scope } from './scope.ts'
import { untilAborted } from '../time/until-aborted.ts'
import type { Writer } from './writer.ts'

export interface UpdatingOptions<V> {
  readonly map: string
  readonly clock: Clock
  /** Of each update, whatever it is made of. */
  readonly deadlineMs: number
  readonly replica: Replica<V>
  readonly reader: Reader<V>
  readonly scope: Scope<V>
  readonly peek: (key: string) => Entry<V> | undefined
  readonly writer: Writer<V>
}

type Change<V> = (current: V | undefined) => V | undefined

/** Updates of one map: read, change, and write over exactly what was read; again, if another process came between. */
export class Updating<V> {
  readonly #options: UpdatingOptions<V>
  readonly #turns: OneAtATime

  constructor(options: UpdatingOptions<V>) {
    this.#options = options
    this.#turns = new OneAtATime(options)
  }

  run(key: string, fn: Change<V>, options: WriteOptions): Promise<Entry<V> | undefined> {
    return this.#turns.run('update', key, (round) => this.#make(round, key, fn, options))
  }

  async #make(round: Round, key: string, fn: Change<V>, options: WriteOptions): Promise<Entry<V> | undefined> {
    const { scope, reader, peek, writer } = this.#options
    // It may have waited for its turn.
    options.signal?.throwIfAborted()
    writer.flush(key)
    const ask = (): Promise<Entry<V> | undefined> => round.ask(() => untilAborted(reader.ask(key), options.signal))
    // The near cache is the first guess, out of which only a write may come: when it was wrong, the owner says what is there.
    let current = scope.nothing ? undefined : peek(key)
    let guessed = !reader.knows()
    if (current === undefined && !scope.covers(key)) {
      current = await ask()
      guessed = false
    }
    for (;;) {
      const made = await this.#write(round, key, fn, { current, guessed }, options)
      if (made?.ok === true) return made.entry
      if (made === undefined) current = await ask()
      else {
        current = made.current
        round.again()
      }
      guessed = false
    }
  }

  /** Undefined: out of what was only guessed nothing can be written, and nothing is said to the caller. */
  async #write(round: Round, key: string, fn: Change<V>, { current, guessed }: Seen<V>, options: WriteOptions): Promise<Made<V>> {
    const { replica, writer } = this.#options
    let value: unknown
    try {
      value = fn(current?.value)
      if (value instanceof Promise) throw promiseRefused(value)
    } catch (error) {
      if (guessed) return undefined
      throw error
    }
    if (value === undefined) return guessed ? undefined : { ok: true, entry: current }
    const expect = current?.version ?? 0
    const setting = writer.compareAndSet(key, expect, value as V, options)
    round.committing((replica.near.peek(key)?.version ?? 0) > expect)
    try {
      return await setting
    } catch (error) {
      // Then nothing was sent.
      if (guessed && (isGridError(error, 'BAD_VALUE') || isGridError(error, 'VALUE_TOO_LARGE'))) return undefined
      throw error
    }
  }
}

interface Seen<V> {
  readonly current: Entry<V> | undefined
  /** By the copy, which may be a moment behind. */
  readonly guessed: boolean
}

type Made<V> = CompareAndSetResult<V> | { readonly ok: true; readonly entry: Entry<V> | undefined } | undefined
