import { choiceOption, functionOption } from '../check.ts'
import type { AgentEvent } from './envelope.ts'

/** What becomes of an event that finds a full mailbox, where nothing waits that it could replace. */
export type Full = 'reject' | 'drop-oldest' | 'drop-newest'

/** An overflow policy made by `coalesce`. */
export interface Coalesce {
  /** Events of one key: the newest takes the place of the one that waits. Undefined: this event stands for itself. */
  readonly key: (event: AgentEvent) => string | undefined
  readonly full: Full
}

/**
 * Only the newest event of a key waits: `overflow: coalesce<Frame>((frame) => frame.camera)`. The newer one takes the *place* of the older,
 * so a key that is sent often is not handled later for it. What was replaced is counted (`agent.mailbox.coalesced`), not a dead letter.
 * Questions (`ask`) and changes of watched maps are never replaced here. @default full 'reject'
 */
export function coalesce<TEvent extends AgentEvent = AgentEvent>(
  key: (event: TEvent) => string | undefined,
  full: Full = 'reject',
): Coalesce {
  functionOption('coalesce', key)
  choiceOption('coalesce full', full, 'reject', ['reject', 'drop-oldest', 'drop-newest'])
  return { key: key as (event: AgentEvent) => string | undefined, full }
}

/** Which of the items that wait in a queue stands for which key. The queue keeps the first item; this knows the newest. */
export class Coalescer<T extends object> {
  readonly #waiting = new Map<string, { newest: T }>()
  readonly #keys = new Map<T, string>()

  /** If an item of that key waits, this one is in its place from now on. Gives the one it replaced. */
  replace(key: string, item: T): T | undefined {
    const place = this.#waiting.get(key)
    if (place === undefined) return undefined
    const { newest } = place
    place.newest = item
    return newest
  }

  /** The item is in the queue. */
  entered(key: string, item: T): void {
    this.#waiting.set(key, { newest: item })
    this.#keys.set(item, key)
  }

  /** The item has left the queue. Gives the one that is in its place. */
  left(item: T): T {
    const key = this.#keys.get(item)
    if (key === undefined) return item
    this.#keys.delete(item)
    const { newest } = this.#waiting.get(key) as { newest: T }
    this.#waiting.delete(key)
    return newest
  }
}
