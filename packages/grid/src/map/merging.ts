import type { Clock } from '../time/clock.ts'
import type { CommitResult, DriverWrite } from '../driver.ts'
import type { Entry, Stamps } from './entry.ts'
import { quote, tooLarge } from '../errors.ts'
import type { Merge } from '../grid.ts'
import type { HybridClock } from '../time/hybrid-clock.ts'
import type { LocalPut, LocalRemove } from './local-write.ts'
import type { ResolvedMapOptions } from './map-options.ts'
import { firstStamps, isLater, mergeWrites } from './merge.ts'
import { OneAtATime, type Round } from './one-at-a-time.ts'
import type { Reader } from './reader.ts'
import type { Replica } from './replica.ts'
import type { Scope } from './scope.ts'

export interface MergingOptions<V> {
  readonly map: string
  readonly merge: Merge<V>
  readonly clock: Clock
  /** Of each write, whatever it is made of. */
  readonly deadlineMs: number
  readonly hybrid: HybridClock
  readonly replica: Replica<V>
  readonly reader: Reader<V>
  readonly scope: Scope<V>
  readonly options: Pick<ResolvedMapOptions<V>, 'maxValueBytes'>
  readonly commit: (write: DriverWrite) => Promise<CommitResult>
}

/**
 * Blind writes of a map with `merge`: what is there is looked at, the two are merged, and the end is committed over exactly
 * that version; again, if another write came between. So it works on any backend that can compare and set, and loses nothing.
 * Those of one key go one after the other.
 */
export class Merging<V> {
  readonly #options: MergingOptions<V>
  readonly #turns: OneAtATime

  constructor(options: MergingOptions<V>) {
    this.#options = options
    this.#turns = new OneAtATime(options)
  }

  /** Stamps for a write that is made now: later than all this process has seen. */
  stamp(value?: unknown): Stamps {
    const { hybrid, merge } = this.#options
    const at = hybrid.next()
    return firstStamps(value === undefined ? 'last-writer-wins' : merge, at, value)
  }

  /** Gives the entry that then stands; where a later remove stands, the entry it removed. */
  put(write: LocalPut<V>): Promise<Entry<V>> {
    return this.#turns.run('put', write.key, (round) => this.#put(round, write))
  }

  /** True if it removed something: not what was written later. */
  remove(write: LocalRemove): Promise<boolean> {
    return this.#turns.run('remove', write.key, (round) => this.#remove(round, write))
  }

  async #put(round: Round, write: LocalPut<V>): Promise<Entry<V>> {
    const { key, sealed, writer, stamps = this.stamp(sealed.value) } = write
    let current = this.#held(key)
    if (current === undefined && !this.#options.scope.covers(key)) current = await round.ask(() => this.#options.reader.ask(key))
    for (;;) {
      const buried = current === undefined && this.#buried(key, stamps.at, writer)
      if (buried) return write.entry(buried.version, this.#options.clock.now())
      const merged = current === undefined ? { sealed, stamps } : mergeWrites(this.#options.merge, current, { sealed, stamps, writer })
      if (merged === undefined) return current as Entry<V>
      const attempt = write.over(current?.version ?? 0, merged.sealed, merged.stamps)
      const { maxValueBytes } = this.#options.options
      // What grows by merging has the bound of what is put.
      if (attempt.bytes > maxValueBytes) throw tooLarge(`the merged value of ${quote(key)}`, attempt.bytes, maxValueBytes)
      const result = await this.#commit(round, attempt)
      if (result.ok) return attempt.entry(result.version, result.atMs)
      current = this.#current(result)
      round.again()
    }
  }

  async #remove(round: Round, write: LocalRemove): Promise<boolean> {
    const { key, writer, stamps = this.stamp() } = write.parts
    let current = this.#held(key)
    // What is here is a guess: only the owner knows that there is nothing.
    if (current === undefined && !this.#options.reader.knowsAbsent(key)) current = await round.ask(() => this.#options.reader.ask(key))
    while (current !== undefined) {
      if (!isLater(stamps.at, writer, current.stamps?.at, current.writer)) return false
      const result = await this.#commit(round, write.over(current.version))
      if (result.ok) return true
      current = this.#current(result)
      round.again()
    }
    return false
  }

  #commit(round: Round, write: DriverWrite): Promise<CommitResult> {
    const committing = this.#options.commit(write)
    const held = this.#held(write.key)
    round.committing(write.type === 'put' ? (held?.version ?? 0) > (write.expect ?? 0) : held === undefined)
    return committing
  }

  #held(key: string): Entry<V> | undefined {
    return this.#options.replica.near.peek(key)
  }

  #buried(key: string, at: number, writer: string): { readonly version: number } | undefined {
    const { replica, clock } = this.#options
    return replica.tombstones.later(key, at, writer, clock.now())
  }

  #current(result: Extract<CommitResult, { readonly ok: false }>): Entry<V> | undefined {
    return result.current === undefined ? undefined : this.#options.replica.read(result.current)
  }
}
