import { commitEach } from '../store/commit-each.ts'
import { StoreError } from '../store/errors.ts'
import { checkCommit, checkCount, checkFence, checkId, resolveScan } from '../store/rules.ts'
import type { Store, StoreCommit, StoreEntry } from '../store/store.ts'
import { idOf, keyOf, prefixOf } from './keys.ts'
import type { Operations } from '../store/operations.ts'
import type { ResolvedS3Options } from './options.ts'
import type { Register } from './register.ts'
import { committed, deleted, settled, toState, type State } from './state.ts'
import { createWriteLanes } from './write-lanes.ts'

/** How many objects a scan reads ahead. */
const AHEAD = 8
/** How many commits of a batch are under way at a time. */
const AT_ONCE = 64

/** A store of one object per id. Fence, value, older revisions and outbox are in it, so one conditional PUT is one atomic step (I1). */
export function createS3Store(options: ResolvedS3Options, register: Register, operations: Operations): Store {
  const { bucket, prefix, level, revisions } = options
  const folder = `${prefix}state/`
  const lanes = createWriteLanes(options, register, operations)

  async function read(id: string): Promise<State | undefined> {
    const key = keyOf(folder, checkId(id))
    return operations.run(`a read of ${id}`, async (signal) => toState((await register.read(key, signal)).fields))
  }

  async function* walk(scan: { readonly prefix: string; readonly after: string | undefined }): AsyncGenerator<StoreEntry> {
    const within = prefixOf(folder, scan.prefix)
    let after = scan.after === undefined ? undefined : keyOf(folder, scan.after)
    for (let more = true; more;) {
      const from = after === undefined ? {} : { after }
      const page = await operations.run('a scan', (signal) =>
        operations.retry(signal, () => bucket.list({ prefix: within, signal, ...from })),
      )
      const ids = page.objects.flatMap(({ key }) => idOf(folder, key) ?? [])
      for (let at = 0; at < ids.length; at += AHEAD) {
        const some = ids.slice(at, at + AHEAD)
        const states = await Promise.all(some.map((id) => read(id)))
        for (const [each, id] of some.entries()) {
          const record = states[each]?.records[0]
          if (record !== undefined) yield { ...record, id }
        }
      }
      more = page.more
      after = page.objects.at(-1)?.key
    }
  }

  const store: Store = {
    level,
    ordered: true,
    atomicBatch: 'one-id',
    async commitAll(given) {
      const commits = given.map((commit) => checkCommit(commit))
      const [first] = commits
      if (first === undefined) return []
      const { id } = first
      if (commits.some((commit) => commit.id !== id)) {
        throw new StoreError(
          'STORE_UNSUPPORTED',
          'an object store cannot commit several ids, all or none: use commitEach, or a store that can',
        )
      }
      return lanes.write(id, keyOf(folder, id), (state) => ({
        state: commits.reduce<State | undefined>((before, commit) => committed(before, commit, revisions), state),
        result: commits.map(({ expectedRev }: StoreCommit) => expectedRev + 1),
      }))
    },
    async commit(id, expectedRev, fence, value, outbox) {
      const [rev] = await store.commitAll([{ id, expectedRev, fence, value, ...(outbox && { outbox }) }])
      return rev as number
    },
    commitEach: (commits) => commitEach(store.commit, commits, AT_ONCE),
    get: async (id) => (await read(id))?.records[0],
    revisions: async (id) => (await read(id))?.records.slice(0, revisions) ?? [],
    async *scan(scanOptions) {
      const { limit, ...within } = resolveScan(scanOptions)
      let left = limit
      if (left === 0) return
      for await (const entry of walk(within)) {
        yield entry
        if (--left === 0) return
      }
    },
    outbox: async (id) => (await read(id))?.outbox ?? [],
    async settle(id, given, seq) {
      checkCount('seq', seq, 0)
      const fence = checkFence(given)
      await lanes.write(checkId(id), keyOf(folder, id), (state) => ({ state: settled(id, state, fence, seq), result: undefined }))
    },
    async delete(id, given) {
      const fence = checkFence(given)
      await lanes.write(checkId(id), keyOf(folder, id), (state) => ({ state: deleted(id, state, fence), result: undefined }))
    },
    close: () => operations.close(),
    [Symbol.asyncDispose]: () => operations.close(),
  }
  return store
}
