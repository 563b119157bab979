import { getRandomValues } from 'node:crypto'
import type { TimerHandle } from '../time/clock.ts'
import { StoreError } from '../store/errors.ts'
import { Drafts, type Unit } from './drafts.ts'
import { diskError } from './disk-errors.ts'
import { quietly, type Environment } from './environment.ts'
import { MANY, type GroupWrite, type Waiting } from './group-write.ts'
import type { RowKind } from './row-kind.ts'

type AnyKind = RowKind<unknown>
type AnyWrite = Waiting<unknown>

export interface GroupCommit {
  /**
   * Commits if the rows of the plan are still the present ones then; else decides anew. A refusal is thrown if the rows it saw are
   * committed ones. Resolves at the level of the environment.
   */
  run<T>(write: Waiting<T>): Promise<T>
  /** Resolves when nothing is under way any more. */
  idle(): Promise<void>
}

const BATCH = 1000
/** So many batches look at each row's version after another process was met. */
const WARY = 16

/**
 * Writes of one environment: all that wait share the next transaction, whichever rows they write. What other processes wrote is seen by a
 * condition inside the transaction (I1): every transaction gives each table it writes a new epoch, so while no other process writes there,
 * one look at the epoch stands for all rows, and rows need not be read again. When another one does, each row's own version is looked at.
 */
export function createGroupCommit(environment: Environment): GroupCommit {
  const { clock, timeoutMs, maxPending, path } = environment.options
  const epochs = environment.table('epochs', true)
  let queue: AnyWrite[] = []
  let underWay: readonly AnyWrite[] = []
  let running: Promise<void> | undefined
  let timer: TimerHandle | undefined
  let wary = 0

  const putEpochs = (kinds: ReadonlySet<AnyKind>, next: number): void => {
    for (const { epochKey } of kinds) quietly(epochs.put(epochKey, environment.rows.pack([], epochKey), next))
  }

  async function commitTogether(
    units: readonly Unit[],
    writes: readonly AnyWrite[],
    epochsBefore: ReadonlyMap<AnyKind, number>,
    next: number,
  ): Promise<readonly boolean[]> {
    const expected = Array.from(epochsBefore, ([{ epochKey }, version]) => ({ key: epochKey, version }))
    const all = await environment.submit(epochs, expected, () => {
      putWrites(writes)
      for (const unit of units) putRows(unit)
      putEpochs(new Set(epochsBefore.keys()), next)
    })
    return units.map(() => all)
  }

  /** In one transaction as well, but each unit for itself. */
  async function commitEach(units: readonly Unit[], kinds: ReadonlySet<AnyKind>, next: number): Promise<readonly boolean[]> {
    const committed: Promise<boolean>[] = []
    const together = environment.together(() => {
      for (const unit of units) committed.push(environment.submit(epochs, unit.drafts, () => (putWrites(unit.writes), putRows(unit))))
      putEpochs(kinds, next)
    })
    const [each] = await Promise.all([Promise.all(committed), together])
    return each
  }

  /** Reads the epochs. What cannot be read fails these writes, not those that come later. */
  function begin(kinds: ReadonlySet<AnyKind>, writes: readonly AnyWrite[]): ReadonlyMap<AnyKind, number> | undefined {
    try {
      environment.refresh()
      return new Map(Array.from(kinds, (kind) => [kind, kind.begin(epochs)] as const))
    } catch (error) {
      for (const write of writes) write.fail(diskError(error, path))
      return undefined
    }
  }

  async function commit(writes: readonly AnyWrite[]): Promise<void> {
    const kinds = kindsOf(writes)
    const before = begin(kinds, writes)
    if (before === undefined) return
    const sure = wary === 0 || writes[0]?.exclusive === true
    const drafts = new Drafts()
    // Each row of a unit committed for itself is a condition within that of the row before it: not to go deeper than that of one write.
    const units = drafts.draw(writes, sure ? Infinity : MANY)
    if (drafts.left.length > 0) queue = [...drafts.left, ...queue]
    if (units.length === 0) return
    const next = newEpoch()
    let committed: readonly boolean[]
    try {
      committed = sure ? await commitTogether(units, writes, before, next) : await commitEach(units, kinds, next)
    } catch (error) {
      for (const kind of kinds) kind.epoch = undefined
      for (const unit of units) for (const write of unit.writes) write.fail(error)
      return
    }
    const met = committed.includes(false)
    const mine = sure && !met
    wary = met ? WARY : Math.max(0, wary - 1)
    // Of rows that were not part of a wary batch nobody knows whether they are still the present ones.
    for (const kind of kinds) kind.epoch = mine ? next : undefined
    const done: AnyWrite[] = []
    const again: AnyWrite[] = []
    for (const [at, unit] of units.entries()) {
      for (const write of unit.writes) (committed[at] ? done : again).push(write)
      if (mine) for (const draft of unit.drafts) draft.kind.remember(draft)
    }
    // They were first, and stay so: the order of one id's writes is the order in which they were asked for.
    if (again.length > 0) queue = [...again, ...queue]
    if (done.length === 0) return
    for (const kind of kinds) kind.committed(() => partsOf(done, kind))
    for (const write of done) write.succeed()
  }

  /** The next batch: all that wait, but what is exclusive is alone. */
  function take(): void {
    const at = queue.findIndex(({ exclusive }) => exclusive)
    const count = at === -1 ? Math.min(queue.length, BATCH) : Math.min(Math.max(at, 1), BATCH)
    underWay = count === queue.length ? queue : queue.slice(0, count)
    queue = count === queue.length ? [] : queue.slice(count)
  }

  async function work(): Promise<void> {
    while (queue.length > 0) {
      take()
      await commit(underWay)
      // Whoever was answered may ask for the next one now, and share the next transaction.
      await Promise.resolve()
    }
    underWay = []
    running = undefined
    if (timer !== undefined) clock.clearTimeout(timer)
    timer = undefined
  }

  /** One timer for all that wait (I8). */
  function watch(): void {
    timer = clock.setTimeout(() => {
      const nowMs = clock.now()
      const text = `a write to ${path} took longer than ${timeoutMs} ms`
      const [late, waiting] = [text, `${text} to begin, and nothing of it was written`].map((each) => new StoreError('STORE_TIMEOUT', each))
      for (const write of underWay) if (write.dueMs <= nowMs) write.fail(late)
      for (const write of queue) if (write.dueMs <= nowMs) write.fail(waiting)
      queue = queue.filter(({ over }) => !over)
      watch()
    }, timeoutMs / 4)
  }

  const idle = async (): Promise<void> => running
  environment.beforeClose(idle)

  return {
    run(write) {
      if (queue.length >= maxPending) {
        return Promise.reject(new StoreError('STORE_BUSY', `${queue.length} writes to ${path} wait; maxPending is ${maxPending}`))
      }
      const answer = write.wait(clock.now() + timeoutMs)
      queue.push(write as AnyWrite)
      if (running !== undefined) return answer
      watch()
      // Not in this call: what is asked for in the same turn shares the transaction.
      running = Promise.resolve().then(work)
      return answer
    },
    idle,
  }
}

function putRows({ drafts }: Unit): void {
  for (const draft of drafts) draft.kind.put(draft)
}

/** Those that were planned and not refused, in the order in which they were asked for. */
function putWrites(writes: readonly AnyWrite[]): void {
  for (const { over, refused, parts } of writes) if (!over && refused === undefined) for (const part of parts) part.write()
}

function kindsOf(writes: readonly AnyWrite[]): ReadonlySet<AnyKind> {
  const kinds = new Set<AnyKind>()
  for (const { parts } of writes) for (const { kind } of parts) kinds.add(kind)
  return kinds
}

function partsOf(writes: readonly AnyWrite[], of: AnyKind): readonly GroupWrite<unknown, unknown>[] {
  return writes.flatMap(({ parts }) => parts.filter(({ kind }) => kind === of))
}

/** No two transactions have the same, in whichever process: 53 bits of chance. */
function newEpoch(): number {
  const [high = 0, low = 0] = getRandomValues(new Uint32Array(2))
  return (high >>> 11) * 2 ** 32 + low + 1
}
