import type { Clock } from '@stigmergy/grid'
import { CoreError } from '../errors.ts'
import type { Fence, Store, StoreRecord } from '../durability/store.ts'
import type { LifeLine } from './life-line.ts'
import type { Random } from './random.ts'

/** Where a process may die while it commits: the moments that a durable runtime must survive. */
export const COMMIT_POINTS = [
  'before-commit',
  'on-the-way',
  'before-answer',
  'committed',
  'before-effect',
  'after-effect',
  'claim',
  'restore',
] as const

export type CommitPoint = (typeof COMMIT_POINTS)[number]

/** One write that the disk has taken. */
export interface CommitRecord {
  readonly id: string
  readonly rev: number
  readonly owner: string
  readonly token: number
}

/** The disk that all processes share. */
export interface Disk {
  /** The store as one process reaches it. `at` says that a point is reached, and may kill the process. */
  reach(line: LifeLine, at: (point: CommitPoint) => void): Store
  /** Everything committed, in order. */
  readonly commits: readonly CommitRecord[]
  /** What stands there now. */
  read(id: string): StoreRecord | undefined
  /** It refuses to answer, or answers late, or loses answers of writes that it took. */
  readonly trouble: { gone: boolean; slowMs: number; lostAnswers: number }
}

export interface DiskOptions {
  readonly clock: Clock
  readonly random: Random
  readonly wrote: (commit: CommitRecord) => void
  /** Defects to be found: it checks no fence, forgets the newest revision, or answers before it has written. */
  readonly defect?: 'unfenced' | 'forgetful' | 'hasty' | undefined
}

const MOST_DELAY_MS = 3
const HASTY_MS = 15

export function createDisk({ clock, random, wrote, defect }: DiskOptions): Disk {
  const rows = new Map<string, StoreRecord[]>()
  const commits: CommitRecord[] = []
  const trouble = { gone: false, slowMs: 0, lostAnswers: 0 }
  const delayMs = (): number => random.integer(0, MOST_DELAY_MS) + trouble.slowMs
  const newest = (id: string): StoreRecord | undefined => {
    const [before, present = before] = rows.get(id) ?? []
    if (defect !== 'forgetful' || present === undefined || before === undefined || !random.chance(0.2)) return present
    return { ...present, value: before.value }
  }

  function write(id: string, expectedRev: number, fence: Fence, value: Uint8Array): number {
    const present = rows.get(id)?.at(-1)
    if (defect !== 'unfenced') check(id, expectedRev, fence, present)
    const rev = (present?.rev ?? 0) + 1
    const record = { rev, fence: { owner: fence.owner, token: fence.token }, value }
    const kept = rows.get(id)
    if (kept === undefined) rows.set(id, [record])
    else {
      kept.push(record)
      if (kept.length > 2) kept.shift()
    }
    const commit = { id, rev, owner: fence.owner, token: fence.token }
    commits.push(commit)
    wrote(commit)
    return rev
  }

  function reach(line: LifeLine, at: (point: CommitPoint) => void): Store {
    /** When the newest commit of each id arrives: none comes before it. Answers may. */
    const arrivals = new Map<string, number>()
    const commitDelayMs = (id: string): number => {
      const nowMs = clock.now()
      const atMs = Math.max(nowMs + delayMs(), arrivals.get(id) ?? 0)
      arrivals.set(id, atMs)
      return atMs - nowMs
    }
    /** There and back, each with a delay of its own; the process may have died meanwhile. */
    const ask = <T>(
      work: () => T,
      thereMs: number = delayMs(),
      onTheWay: () => void = () => {},
      lost: () => boolean = () => false,
    ): Promise<T> =>
      new Promise((resolve, reject) => {
        if (line.state === 'dead') return
        const back = (fn: () => void): void => void clock.setTimeout(() => line.deliver(fn), delayMs())
        clock.setTimeout(() => {
          if (trouble.gone) return back(() => reject(new Error('the disk is gone')))
          let result: T
          try {
            result = work()
          } catch (error) {
            return back(() => reject(error))
          }
          back(() => {
            if (lost()) reject(new Error('the answer was lost'))
            else if (line.state !== 'dead') resolve(result)
          })
        }, thereMs)
        onTheWay()
      })
    const loses = (): boolean => {
      at('before-answer')
      if (trouble.lostAnswers === 0 || line.state === 'dead') return false
      trouble.lostAnswers -= 1
      return true
    }

    return {
      ordered: true,
      async get(id) {
        const record = await ask(() => newest(id))
        at('restore')
        return record && { ...record, value: new Uint8Array(record.value) }
      },
      async commit(id, expectedRev, fence, value) {
        at('before-commit')
        if (rows.get(id)?.at(-1)?.fence.token !== fence.token) at('claim')
        const bytes = new Uint8Array(value)
        if (defect === 'hasty') {
          clock.setTimeout(() => {
            if (line.state !== 'running' || trouble.gone) return
            try {
              write(id, expectedRev, fence, bytes)
            } catch {
              // It has said yes already.
            }
          }, HASTY_MS)
          return expectedRev + 1
        }
        return ask(
          () => write(id, expectedRev, fence, bytes),
          commitDelayMs(id),
          () => at('on-the-way'),
          loses,
        )
      },
      async delete(id, fence) {
        await ask(() => {
          check(id, undefined, fence, rows.get(id)?.at(-1))
          rows.delete(id)
        })
      },
      async close() {},
    }
  }
  return { reach, commits, trouble, read: (id) => rows.get(id)?.at(-1) }
}

function check(id: string, expectedRev: number | undefined, fence: Fence, present: StoreRecord | undefined): void {
  const seen = present?.fence
  if (seen !== undefined && (fence.token < seen.token || (fence.token === seen.token && fence.owner !== seen.owner))) {
    throw new CoreError('STORE_FENCED', `${fence.owner} may not write ${JSON.stringify(id)} with token ${fence.token}`)
  }
  if (expectedRev !== undefined && (present?.rev ?? 0) !== expectedRev) {
    throw new CoreError('STORE_CONFLICT', `${JSON.stringify(id)} is at revision ${present?.rev ?? 0}, not at ${expectedRev}`)
  }
}
