import type { TimerHandle } from '../clock.ts'
import { StoreError } from '../store/errors.ts'
import { quietly, type Environment, type Table } from './environment.ts'

/** What a write makes of the rows it looked at, which it does not change itself. */
export interface Planned<Row, T> {
  readonly result: T
  /** In the order of the ids. */
  readonly rows: readonly Row[]
  /** What goes to other tables in the same transaction. */
  write(): void
}

type Plan<Row, T> = (rows: readonly (Row | undefined)[]) => Planned<Row, T>

export interface GroupCommit<Row> {
  /**
   * Decides on the present rows of these ids, and commits if they are still the present ones then (else decides anew).
   * `plan` throws to refuse; that is thrown if the rows it saw are committed ones. Resolves at the level of the environment.
   */
  run<T>(ids: readonly string[], plan: Plan<Row, T>): Promise<T>
  /** Resolves when nothing is under way any more. */
  idle(): Promise<void>
}

export interface GroupCommitOptions<Row> {
  readonly environment: Environment
  readonly table: Table
  unpack(fields: readonly unknown[]): Row
  pack(row: Row): Buffer
}

interface Cell<Row> {
  readonly key: Buffer
  version: number
  row: Row | undefined
}

/** The cell of an id in one batch. */
interface Draft<Row> extends Cell<Row> {
  readonly id: string
  /** Read in this batch, not remembered: a refusal may rely on it. */
  fresh: boolean
  changed: boolean
  unit: Unit<Row> | undefined
}

/** Jobs that share ids: they are committed together or not at all. */
interface Unit<Row> {
  drafts: Draft<Row>[]
  jobs: Job<Row>[]
}

interface Job<Row> {
  readonly ids: readonly string[]
  readonly plan: Plan<Row, unknown>
  readonly dueMs: number
  readonly resolve: (result: unknown) => void
  readonly reject: (error: unknown) => void
  over: boolean
  /** The outcome, if its unit is committed. */
  outcome: { readonly planned: Planned<Row, unknown> } | { readonly refused: unknown } | undefined
}

const BATCH = 1000
const REMEMBERED = 16_384

/**
 * Writes of one table, of which all that wait share the next transaction. What other processes wrote is seen by the condition on each
 * row's version, looked at inside the transaction (I1); so a row may be remembered from the last commit instead of being read again.
 */
export function createGroupCommit<Row>(options: GroupCommitOptions<Row>): GroupCommit<Row> {
  const { environment, table } = options
  const { clock, timeoutMs, path } = environment.options
  const remembered = new Map<string, Cell<Row>>()
  let queue: Job<Row>[] = []
  let underWay: readonly Job<Row>[] = []
  let running: Promise<void> | undefined
  let timer: TimerHandle | undefined

  function read(id: string, key: Buffer = Buffer.from(id)): Cell<Row> {
    const { version, fields } = environment.readNow(table, key, id)
    return { key, version, row: fields && options.unpack(fields) }
  }

  /** The rows as this batch will have left them. */
  function draftOf(id: string, drafts: Map<string, Draft<Row>>): Draft<Row> {
    const known = drafts.get(id)
    if (known !== undefined) return known
    const cell = remembered.get(id)
    const draft = { id, ...(cell ?? read(id)), fresh: cell === undefined, changed: false, unit: undefined }
    drafts.set(id, draft)
    return draft
  }

  function refresh(draft: Draft<Row>): void {
    if (draft.fresh || draft.changed) return
    Object.assign(draft, read(draft.id, draft.key))
    draft.fresh = true
  }

  /** Plans on the drafts. Returns the outcome, or nothing if the job is over: refused by what is committed. */
  function decide(job: Job<Row>, drafts: readonly Draft<Row>[]): Job<Row>['outcome'] {
    for (;;) {
      try {
        return { planned: job.plan(drafts.map(({ row }) => row)) }
      } catch (refused) {
        if (drafts.some(({ changed }) => changed)) return { refused }
        if (drafts.every(({ fresh }) => fresh)) {
          end(job, () => job.reject(refused))
          return undefined
        }
        drafts.forEach(refresh)
      }
    }
  }

  function join(job: Job<Row>, drafts: readonly Draft<Row>[]): Unit<Row> {
    const unit: Unit<Row> = drafts.find((draft) => draft.unit !== undefined)?.unit ?? { drafts: [], jobs: [] }
    for (const draft of drafts) {
      const other = draft.unit
      if (other === unit) continue
      if (other === undefined) {
        unit.drafts.push(draft)
        draft.unit = unit
        continue
      }
      for (const each of other.drafts) each.unit = unit
      unit.drafts.push(...other.drafts)
      unit.jobs.push(...other.jobs)
      other.jobs = []
    }
    unit.jobs.push(job)
    return unit
  }

  /** Turns jobs into units. What cannot be read fails its own job only. */
  function draw(jobs: readonly Job<Row>[]): Set<Unit<Row>> {
    environment.refresh()
    const drafts = new Map<string, Draft<Row>>()
    const units = new Set<Unit<Row>>()
    for (const job of jobs) {
      if (job.over) continue
      try {
        const mine = job.ids.map((id) => draftOf(id, drafts))
        job.outcome = decide(job, mine)
        if (job.outcome === undefined) continue
        units.add(join(job, mine))
        if (!('planned' in job.outcome)) continue
        const { rows } = job.outcome.planned
        for (const [at, draft] of mine.entries()) {
          draft.row = rows[at]
          draft.changed = true
        }
      } catch (error) {
        end(job, () => job.reject(error))
      }
    }
    for (const unit of units) if (unit.jobs.length === 0) units.delete(unit)
    return units
  }

  function submit(unit: Unit<Row>): Promise<boolean> {
    return environment.submit(table, unit.drafts, () => {
      for (const { outcome } of unit.jobs) if (outcome !== undefined && 'planned' in outcome) outcome.planned.write()
      for (const { key, version, row, changed } of unit.drafts) {
        if (changed && row !== undefined) quietly(table.put(key, options.pack(row), version + 1))
      }
    })
  }

  function remember({ id, key, version, row }: Draft<Row>): void {
    remembered.delete(id)
    remembered.set(id, { key, version: version + 1, row })
    if (remembered.size <= REMEMBERED) return
    const [oldest] = remembered.keys()
    if (oldest !== undefined) remembered.delete(oldest)
  }

  async function commit(units: Set<Unit<Row>>): Promise<void> {
    const again: Job<Row>[] = []
    const done: Job<Row>[] = []
    const outcomes = await Promise.allSettled(Array.from(units, submit))
    for (const [at, { drafts, jobs }] of [...units].entries()) {
      const outcome = outcomes[at]
      const committed = outcome?.status === 'fulfilled' && outcome.value
      for (const draft of drafts) {
        if (committed && draft.changed) remember(draft)
        else remembered.delete(draft.id)
      }
      if (committed) done.push(...jobs)
      else if (outcome?.status === 'rejected') for (const job of jobs) end(job, () => job.reject(outcome.reason))
      else again.push(...jobs)
    }
    // They were first, and stay so: the order of one id's writes is the order in which they were asked for.
    if (again.length > 0) queue = [...again.filter(({ over }) => !over), ...queue]
    if (done.length > 0) acknowledge(done)
  }

  function acknowledge(jobs: readonly Job<Row>[]): void {
    const answer = (): void => {
      for (const job of jobs) {
        const { outcome } = job
        if (outcome === undefined) continue
        end(job, () => ('planned' in outcome ? job.resolve(outcome.planned.result) : job.reject(outcome.refused)))
      }
    }
    if (environment.options.level === 'process') return answer()
    // The next batch does not wait for the disk: its own flush comes after this one.
    environment.settle().then(answer, (error: unknown) => {
      for (const job of jobs) end(job, () => job.reject(error))
    })
  }

  async function run(): Promise<void> {
    while (queue.length > 0) {
      const jobs = queue.slice(0, BATCH)
      queue = queue.slice(BATCH)
      underWay = jobs
      await commit(draw(jobs))
      // Whoever was answered may ask for the next one now, and share the next transaction.
      await Promise.resolve()
    }
    underWay = []
    running = undefined
    if (timer !== undefined) clock.clearTimeout(timer)
    timer = undefined
  }

  function end(job: Job<Row>, answer: () => void): void {
    if (job.over) return
    job.over = true
    answer()
  }

  /** One timer for the oldest job; another is needed only when that one has passed (I8). */
  function watch(): void {
    timer = clock.setTimeout(() => {
      const nowMs = clock.now()
      for (const job of [...underWay, ...queue]) {
        if (job.dueMs <= nowMs) end(job, () => job.reject(new StoreError('STORE_TIMEOUT', `a write to ${path} took longer than ${timeoutMs} ms`)))
      }
      queue = queue.filter(({ over }) => !over)
      watch()
    }, timeoutMs)
  }

  return {
    run: <T>(ids: readonly string[], plan: Plan<Row, T>) =>
      new Promise<T>((resolve, reject) => {
        const dueMs = clock.now() + timeoutMs
        queue.push({ ids, plan, dueMs, resolve: resolve as (result: unknown) => void, reject, over: false, outcome: undefined })
        if (running !== undefined) return
        watch()
        // Not in this call: what is asked for in the same turn shares the transaction.
        running = Promise.resolve().then(run)
      }),
    idle: async () => running,
  }
}
