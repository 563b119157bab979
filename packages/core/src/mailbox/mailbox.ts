import { choiceOption, functionOption, integerOption, optionsOf, type Names } from '../check.ts'
import type { Coalesce, Full } from './coalesce.ts'

const FULL = ['reject', 'drop-oldest', 'drop-newest'] as const

export type Overflow = Full | Coalesce

export interface MailboxOptions {
  /** Events that may wait. @default 1024 */
  readonly capacity?: number
  /**
   * What to do with an event that finds the mailbox full: `reject` refuses it, `drop-oldest` and `drop-newest` take it
   * and drop the oldest or the newest of those that wait. Whatever is refused or dropped becomes a dead letter (I6).
   * `coalesce(key)` keeps only the newest event of a key, full or not.
   * @default 'reject'
   */
  readonly overflow?: Overflow
  /**
   * Events of the system that may wait: `agent.ended`, `agent.degraded`, `agent.recovered`. They are handled before all others.
   * Also the bound of agents that this one may watch at a time. @default 1024
   */
  readonly system?: number
  /** Events that may be set aside by `stash`. @default 1024 */
  readonly stash?: number
  /** How many ids of handled events are remembered, to tell an event that is sent again by its `id`. @default 1024 */
  readonly dedup?: number
  /**
   * How often an event is given to the agent that crashes on it each time. After a restart it comes again, before what waits,
   * until this often; then it is a dead letter, `crashed`, and no event of its `id` is accepted until it is replayed or purged. @default 1
   */
  readonly attempts?: number
}

export interface ResolvedMailboxOptions {
  readonly capacity: number
  readonly overflow: Full
  readonly key: Coalesce['key'] | undefined
  readonly system: number
  readonly stash: number
  readonly dedup: number
  readonly attempts: number
}

const DEFAULTS: ResolvedMailboxOptions = {
  capacity: 1024,
  overflow: 'reject',
  key: undefined,
  system: 1024,
  stash: 1024,
  dedup: 1024,
  attempts: 1,
}

const NAMES: Names<MailboxOptions> = { capacity: true, overflow: true, system: true, stash: true, dedup: true, attempts: true }

/** Checks the options. Throws `CoreError` BAD_OPTION. */
export function resolveMailboxOptions(options?: MailboxOptions, defaults: ResolvedMailboxOptions = DEFAULTS): ResolvedMailboxOptions {
  // The same object for all agents that say nothing.
  if (options === undefined) return defaults
  optionsOf('mailbox', options, NAMES)
  const { overflow } = options
  return {
    capacity: integerOption('mailbox.capacity', options.capacity, defaults.capacity, 1),
    ...resolveOverflow(overflow, defaults),
    system: integerOption('mailbox.system', options.system, defaults.system, 1),
    stash: integerOption('mailbox.stash', options.stash, defaults.stash, 1),
    dedup: integerOption('mailbox.dedup', options.dedup, defaults.dedup, 0),
    attempts: integerOption('mailbox.attempts', options.attempts, defaults.attempts, 1),
  }
}

function resolveOverflow(
  overflow: Overflow | undefined,
  defaults: ResolvedMailboxOptions,
): Pick<ResolvedMailboxOptions, 'overflow' | 'key'> {
  if (overflow === undefined) return { overflow: defaults.overflow, key: defaults.key }
  const made =
    typeof overflow === 'object' && (overflow as Partial<Coalesce> | null)?.key !== undefined ? (overflow as Coalesce) : undefined
  const full = choiceOption('mailbox.overflow', made === undefined ? (overflow as Full) : made.full, 'reject', FULL, 'coalesce(key)')
  return { overflow: full, key: made === undefined ? undefined : functionOption('mailbox.overflow coalesce', made.key) }
}

/** Events that a ring has room for at first. */
const FIRST = 4

/** A queue with a bound (I6): a ring that grows up to its capacity. */
export class Mailbox<T> {
  readonly capacity: number
  readonly #overflow: Full
  // Most agents have a few events waiting: the ring starts small, so that a large bound costs nothing until it is used.
  #ring: (T | undefined)[] = []
  #head = 0
  #size = 0

  constructor({ capacity, overflow }: Pick<ResolvedMailboxOptions, 'capacity' | 'overflow'>) {
    this.capacity = capacity
    this.#overflow = overflow
  }

  get size(): number {
    return this.#size
  }

  /** Takes the item. Returns what had to go for it: undefined, an item that waited, or the item itself. */
  offer(item: T): T | undefined {
    if (this.#size < this.capacity) {
      this.#push(item)
      return undefined
    }
    if (this.#overflow === 'reject') return item
    if (this.#overflow === 'drop-oldest') {
      const oldest = this.#take()
      this.#push(item)
      return oldest
    }
    const last = (this.#head + this.#size - 1) % this.#ring.length
    const newest = this.#ring[last]
    this.#ring[last] = item
    return newest
  }

  take(): T | undefined {
    return this.#take()
  }

  #take(): T | undefined {
    if (this.#size === 0) return undefined
    const item = this.#ring[this.#head]
    this.#ring[this.#head] = undefined
    this.#head = (this.#head + 1) % this.#ring.length
    this.#size -= 1
    return item
  }

  #push(item: T): void {
    if (this.#size === this.#ring.length) this.#grow()
    this.#ring[(this.#head + this.#size) % this.#ring.length] = item
    this.#size += 1
  }

  #grow(): void {
    const { length } = this.#ring
    const wanted = Math.min(this.capacity, Math.max(FIRST, length * 2))
    // Written out: each agent's first event makes one of these.
    const larger: (T | undefined)[] = wanted === FIRST ? [undefined, undefined, undefined, undefined] : Array.from({ length: wanted })
    for (let i = 0; i < this.#size; i++) larger[i] = this.#ring[(this.#head + i) % length]
    this.#ring = larger
    this.#head = 0
  }
}
