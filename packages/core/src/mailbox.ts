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
export interface Mailbox<T> {
  readonly size: number
  readonly capacity: number
  /** Takes the item. Returns what had to go for it: undefined, an item that waited, or the item itself. */
  offer(item: T): T | undefined
  take(): T | undefined
}

export function createMailbox<T>(options: ResolvedMailboxOptions): Mailbox<T> {
  const { capacity, overflow } = options
  let ring: (T | undefined)[] = Array.from({ length: Math.min(capacity, 8) })
  let head = 0
  let size = 0

  // Most agents have a few events waiting: the ring starts small, so that a large bound costs nothing until it is used.
  function grow(): void {
    const larger: (T | undefined)[] = Array.from({ length: Math.min(capacity, ring.length * 2) })
    for (let i = 0; i < size; i++) larger[i] = ring[(head + i) % ring.length]
    ring = larger
    head = 0
  }

  function take(): T | undefined {
    if (size === 0) return undefined
    const item = ring[head]
    ring[head] = undefined
    head = (head + 1) % ring.length
    size -= 1
    return item
  }

  return {
    get size() {
      return size
    },
    capacity,
    take,
    offer(item) {
      if (size === capacity) {
        if (overflow === 'reject') return item
        if (overflow === 'drop-newest') {
          const newest = (head + size - 1) % ring.length
          const dropped = ring[newest]
          ring[newest] = item
          return dropped
        }
        const dropped = take()
        ring[(head + size) % ring.length] = item
        size += 1
        return dropped
      }
      if (size === ring.length) grow()
      ring[(head + size) % ring.length] = item
      size += 1
      return undefined
    },
  }
}
