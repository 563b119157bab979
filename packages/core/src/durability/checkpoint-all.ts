import { quote } from '../check.ts'
import { CoreError } from '../errors.ts'
import type { Life } from '../life/life.ts'
import type { Waiting } from './waiters.ts'

/** Names at most so many agents in a message. */
const NAMED = 5
/** Agents that are on their way at a time: what is made for them does not pile up. */
const TOGETHER = 1000

interface Failed {
  readonly id: string
  readonly error: unknown
}

/** Stores every agent that has changed, together. Resolves to their number. Throws `CoreError` NOT_STORED. */
export async function checkpointAll(lives: Iterable<Life>): Promise<number> {
  const all = Array.from(lives)
  const batch = new Batch()
  for (let at = 0; at < all.length; at += TOGETHER) await batch.store(all.slice(at, at + TOGETHER))
  const { changed, failed } = batch
  const [first] = failed
  if (first === undefined) return changed
  const names = failed.slice(0, NAMED).map(({ id }) => quote(id))
  const more = failed.length > NAMED ? ` and ${failed.length - NAMED} others` : ''
  const message = `${failed.length} of ${changed} agents are not stored: ${names.join(', ')}${more}`
  throw new CoreError('NOT_STORED', message, { cause: first.error })
}

/** Waits for all of them: nothing is made for each. */
export class Batch implements Waiting {
  /** How many had something to store. */
  changed = 0
  readonly failed: Failed[] = []
  #left = 0
  #done: () => void = () => undefined

  /** Stores those that have changed. Resolves once each has its answer. */
  store(lives: readonly Life[]): Promise<void> {
    const all = new Promise<void>((done) => {
      this.#done = done
    })
    // One for this loop: some have their answer at once.
    this.#left = 1
    for (const life of lives) {
      if (!life.unstored) continue
      this.changed += 1
      this.#left += 1
      life.checkpoint(this)
    }
    this.resolve()
    return all
  }

  resolve(): void {
    this.#left -= 1
    if (this.#left === 0) this.#done()
  }

  reject(error: unknown, id: string): void {
    this.failed.push({ id, error })
    this.resolve()
  }
}
