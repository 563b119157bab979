import type { Clock } from '../time/clock.ts'
import type { Entry } from './entry.ts'
import type { WriteOptions } from '../grid.ts'
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
    return this.#turns.run('update', key, (round) => this.#make(round, fn, options))
  }

  async #make(round: Round, fn: Change<V>, options: WriteOptions): Promise<Entry<V> | undefined> {
    const { scope, reader, replica, peek, writer } = this.#options
    const { key } = round
    // It may have waited for its turn.
    options.signal?.throwIfAborted()
    writer.flush(key)
    // The near cache is the first guess; when it was wrong, the owner says what is there.
    let current = scope.nothing ? undefined : peek(key)
    if (current === undefined && !scope.covers(key)) {
      round.pending = true
      round.stage = 'asking'
      current = await untilAborted(reader.ask(key), options.signal)
    }
    while (!round.over) {
      const value: unknown = fn(current?.value)
      if (value === undefined) return current
      if (value instanceof Promise) throw promiseRefused(value)
      const expect = current?.version ?? 0
      const setting = writer.compareAndSet(key, expect, value as V, options)
      round.stage = 'committing'
      // Else it was committed inside the call.
      round.pending ||= (replica.near.peek(key)?.version ?? 0) <= expect
      const result = await setting
      if (result.ok) return result.entry
      current = result.current
    }
    return current
  }
}
