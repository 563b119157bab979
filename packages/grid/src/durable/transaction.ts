import { quote } from '../errors.ts'
import type { GridMap } from '../grid.ts'
import { ReplicatedMap } from '../map/map.ts'
import type { Staged, StageOptions } from '../map/staging.ts'
import { StoreError } from '../store/errors.ts'
import { badOption } from '../store/rules.ts'
import type { Fence } from '../store/store.ts'
import type { Environment } from './environment.ts'
import { StagedWrite } from './grid/staged-write.ts'
import type { GroupCommit } from './group-commit.ts'
import { anyPart, JointWrite, type GroupWrite } from './group-write.ts'
import type { StoreWrites } from './store-writes.ts'

/** What one transaction does. Nothing is written while it is said; each call throws at once for what cannot be stored. */
export interface Transaction {
  /** As `Store.commit`. */
  commit(id: string, expectedRev: number, fence: Fence, value: Uint8Array, outbox?: readonly Uint8Array[]): void
  /** As `Store.settle`. */
  settle(id: string, fence: Fence, seq: number): void
  /** As `Store.delete`. */
  delete(id: string, fence: Fence): void
  /** As `GridMap.put`, or as `compareAndSet` where a version is expected. The map is one of a grid on `durable.backend`. */
  put<V>(map: GridMap<V>, key: string, value: NoInfer<V>, options?: StageOptions): void
  /** As `GridMap.remove`, or as `removeIf` where a version is expected. */
  remove(map: GridMap<unknown>, key: string, options?: Pick<StageOptions, 'expectedVersion' | 'trace'>): void
}

export interface TransactionResult {
  /** What each `commit` has written, in order. */
  readonly revisions: readonly number[]
  /** What each `put` and `remove` has written, in order; 0 where there was nothing to remove. */
  readonly versions: readonly number[]
}

/** Runs `build` at once, and commits what it says, all or none. */
export type Transact = (build: (transaction: Transaction) => void) => Promise<TransactionResult>

type AnyPart = GroupWrite<unknown, unknown>

export function createTransact(environment: Environment, group: GroupCommit, store: StoreWrites): Transact {
  return async (build) => {
    environment.check()
    if (typeof build !== 'function') throw badOption('transaction', build, 'a function that says what to write')
    const parts: AnyPart[] = []
    const commits = new Set<AnyPart>()
    const staged: Staged[] = []
    let over = false

    function add(part: AnyPart): AnyPart {
      if (over) throw new StoreError('CLOSED', 'this transaction is over: what it does is said within its function')
      parts.push(part)
      return part
    }

    function addStaged(map: GridMap<unknown>, stage: (of: ReplicatedMap<unknown>) => Staged): void {
      if (!(map instanceof ReplicatedMap)) throw badOption('map', map, 'a map of a grid that was opened on the backend of this directory')
      const each = stage(map as unknown as ReplicatedMap<unknown>)
      staged.push(each)
      if (!(each.write instanceof StagedWrite) || each.write.group !== group) {
        throw new StoreError('BAD_OPTION', `map ${quote(map.name)} is in another place: open its grid on the backend of this directory`)
      }
      add(anyPart(each.write))
    }

    try {
      const said: unknown = build({
        commit: (id, expectedRev, fence, value, outbox) =>
          void commits.add(add(anyPart(store.commit({ id, expectedRev, fence, value, ...(outbox && { outbox }) })))),
        settle: (id, fence, seq) => void add(anyPart(store.settle(id, fence, seq))),
        delete: (id, fence) => void add(anyPart(store.remove(id, fence))),
        put: (map, key, value, options = {}) => addStaged(map, (of) => of.staging.put(key, value, options)),
        remove: (map, key, options = {}) => addStaged(map, (of) => of.staging.remove(key, options)),
      })
      over = true
      if (said instanceof Promise) {
        said.catch(() => undefined)
        throw badOption('transaction', 'a promise', 'a function that says all it does before it returns')
      }
      if (parts.length > 0) await group.run(new JointWrite(parts))
      const written = (which: (part: AnyPart) => boolean): readonly number[] => parts.filter(which).map((part) => part.result() as number)
      return { revisions: written((part) => commits.has(part)), versions: written((part) => part instanceof StagedWrite) }
    } finally {
      over = true
      for (const each of staged) each.done()
    }
  }
}
