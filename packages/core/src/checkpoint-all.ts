import { quote } from './check.ts'
import { CoreError } from './errors.ts'
import type { Life } from './life.ts'

/** Names at most so many agents in a message. */
const NAMED = 5

/** Stores every agent that has changed, together. Resolves to their number. Throws `CoreError` NOT_STORED. */
export async function checkpointAll(lives: Iterable<Life>): Promise<number> {
  const changed = Array.from(lives).filter((life) => life.unstored)
  const failed: string[] = []
  let cause: unknown
  let left = changed.length
  await new Promise<void>((resolve) => {
    if (left === 0) resolve()
    const ended = (): void => {
      left -= 1
      if (left === 0) resolve()
    }
    for (const life of changed) {
      life.checkpoint().then(ended, (error: unknown) => {
        cause ??= error
        failed.push(life.info.id)
        ended()
      })
    }
  })
  if (failed.length === 0) return changed.length
  const names = failed.slice(0, NAMED).map(quote).join(', ')
  const more = failed.length > NAMED ? ` and ${failed.length - NAMED} others` : ''
  throw new CoreError('NOT_STORED', `${failed.length} of ${changed.length} agents are not stored: ${names}${more}`, { cause })
}
