import { choiceOption, integerOption } from './check.ts'

export type Overflow = 'reject' | 'drop-oldest' | 'drop-newest'

export interface MailboxOptions {
  /** Events that may wait. @default 1024 */
  readonly capacity?: number
  /**
   * What to do with an event that finds the mailbox full: `reject` refuses it, `drop-oldest` and `drop-newest` take it
   * and drop the oldest or the newest of those that wait. Whatever is refused or dropped becomes a dead letter (I6).
   * @default 'reject'
   */
  readonly overflow?: Overflow
}

export interface ResolvedMailboxOptions {
  readonly capacity: number
  readonly overflow: Overflow
}

const DEFAULTS: ResolvedMailboxOptions = { capacity: 1024, overflow: 'reject' }

/** Checks the options. Throws `CoreError` BAD_OPTION. */
export function resolveMailboxOptions(options: MailboxOptions = {}, defaults: ResolvedMailboxOptions = DEFAULTS): ResolvedMailboxOptions {
  return {
    capacity: integerOption('mailbox.capacity', options.capacity, defaults.capacity, 1),
    overflow: choiceOption('mailbox.overflow', options.overflow, defaults.overflow, ['reject', 'drop-oldest', 'drop-newest']),
  }
}

/** A queue with a bound (I6): a ring that grows up to its capacity. */
export class Mailbox<T> {
  readonly capacity: number
  readonly #overflow: Overflow
  // Most agents have a few events waiting: the ring starts small, so that a large bound costs nothing until it is used.
  #ring: (T | undefined)[] = []
  #head = 0
  #size = 0

  constructor({ capacity, overflow }: ResolvedMailboxOptions) {
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
      const oldest = this.take()
      this.#push(item)
      return oldest
    }
    const last = (this.#head + this.#size - 1) % this.#ring.length
    const newest = this.#ring[last]
    this.#ring[last] = item
    return newest
  }

  take(): T | undefined {
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
    const larger: (T | undefined)[] = Array.from({ length: Math.min(this.capacity, Math.max(4, length * 2)) })
    for (let i = 0; i < this.#size; i++) larger[i] = this.#ring[(this.#head + i) % length]
    this.#ring = larger
    this.#head = 0
  }
}
