import { Deadlines } from '../deadlines.ts'
import { Batch } from './checkpoint-all.ts'
import { Pending, type Asker } from './pending.ts'
import { Commit, type Committing } from './under-way.ts'
import { Together } from './writes.ts'

const NOTHING = (): void => undefined
const NOBODY: Committing & Asker<never> & { alone(): void } = {
  id: '',
  fence: { owner: '', token: 0 },
  name: '',
  stored: NOTHING,
  refused: NOTHING,
  done: NOTHING,
  failed: NOTHING,
  alone: NOTHING,
}

/**
 * One of each kind of object that lives only from a write to its answer. Between two checkpoints there are none, and a full collection of
 * garbage in which the engine finds none of a kind makes it forget what they look like, and throw away all that it has compiled for them:
 * the next checkpoint would cost one and a half times as much. Nobody uses these.
 */
export function createResidents(): readonly object[] {
  const commit = new Commit(NOBODY, 0, { bytes: new Uint8Array(0), upTo: 0 }, 0)
  const clock = { now: () => 0, wallNow: () => 0, setTimeout: NOTHING, clearTimeout: NOTHING }
  return [commit, new Batch(), new Together([commit], NOBODY), new Pending(NOBODY, 0, new Set(), new Deadlines(clock))]
}
