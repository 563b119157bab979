import { isStoreError, type StoreError } from './errors.ts'
import { checkCommit } from './rules.ts'
import type { CommitOutcome, Store, StoreCommit } from './store.ts'

/**
 * Commits each by itself, at most `atOnce` at a time, begun in order: so those of one id follow each other. The bytes are copied, as some
 * may have to wait.
 */
export async function commitEach(
  commit: Store['commit'],
  given: readonly StoreCommit[],
  atOnce: number = Infinity,
): Promise<readonly CommitOutcome[]> {
  const outcomes: CommitOutcome[] = []
  const jobs = given.map((each, at) => prepared(commit, each, (outcome) => void (outcomes[at] = outcome)))
  let next = 0
  const work = async (): Promise<void> => {
    while (next < jobs.length) await jobs[next++]?.()
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, jobs.length) }, work))
  return outcomes
}

function prepared(commit: Store['commit'], given: StoreCommit, tell: (outcome: CommitOutcome) => void): () => Promise<void> {
  let checked: StoreCommit
  try {
    checked = checkCommit(given)
  } catch (error) {
    tell({ ok: false, error: refusalOf(error) })
    return () => Promise.resolve()
  }
  const { id, expectedRev, fence, value, outbox } = checked
  return async () => {
    try {
      tell({ ok: true, rev: await commit(id, expectedRev, fence, value, outbox) })
    } catch (error) {
      tell({ ok: false, error: refusalOf(error) })
    }
  }
}

/** What is no answer of a store is a fault of the program, and thrown. */
function refusalOf(error: unknown): StoreError {
  if (isStoreError(error)) return error
  throw error
}
