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
  const changed = Array.from(lives).filter((life) => life.unstored)
  const failed: Failed[] = []
  for (let at = 0; at < changed.length; at += TOGETHER) await storeAll(changed.slice(at, at + TOGETHER), failed)
  const [first] = failed
  if (first === undefined) return changed.length
  const names = failed.slice(0, NAMED).map(({ id }) => quote(id))
  const more = failed.length > NAMED ? ` and ${failed.length - NAMED} others` : ''
  const message = `${failed.length} of ${changed.length} agents are not stored: ${names.join(', ')}${more}`
  throw new CoreError('NOT_STORED', message, { cause: first.error })
}

function storeAll(lives: readonly Life[], failed: Failed[]): Promise<void> {
  return new Promise((done) => {
    const batch: Batch = { left: lives.length, failed, done }
    for (const life of lives) life.checkpoint(new Part(batch, life))
  })
}

/** Those that are on their way. */
interface Batch {
  left: number
  readonly failed: Failed[]
  readonly done: () => void
}

class Part implements Waiting {
  readonly #batch: Batch
  readonly #life: Life

  constructor(batch: Batch, life: Life) {
    this.#batch = batch
    this.#life = life
  }

  resolve(): void {
    this.#batch.left -= 1
    if (this.#batch.left === 0) this.#batch.done()
  }

  reject(error: unknown): void {
    this.#batch.failed.push({ id: this.#life.info.id, error })
    this.resolve()
  }
}
