import type { Consistency } from './grid.ts'

/** What one consistency is on one backend. */
export interface Guarantee {
  readonly promises: string
  readonly costs: string
  /** What takes the promise away. */
  readonly breaks: string
}

/** What one consistency means, and what each backend makes of it; a backend left out refuses it with UNSUPPORTED. */
export interface ConsistencyGuarantee {
  readonly consistency: Consistency
  readonly means: string
  readonly backends: Readonly<Record<string, Guarantee>>
}

/** `embedded({ path })`. */
const DIRECTORY = 'embedded in a directory'

/** The table of docs/consistency.md: the document is kept equal to it by a test, and it to each backend's `supports`. */
export const GUARANTEES: readonly ConsistencyGuarantee[] = [
  {
    consistency: 'eventual',
    means: "this process's copy, as old as `ageMs()` says; `maxAgeMs` bounds it",
    backends: {
      embedded: { promises: 'linearizable', costs: 'a local read', breaks: 'nothing' },
      hazelcast: {
        promises: 'all that was committed before `ageMs()` ago is in it; each key goes forward only',
        costs: 'a local read',
        breaks: 'writes of clients that are no grid, where their event is lost: the sweep finds those',
      },
      [DIRECTORY]: { promises: 'as said', costs: 'a local read', breaks: 'nothing: a process that cannot look has a copy that ages' },
    },
  },
  {
    consistency: 'session',
    means: 'own writes are read, and no read is older than one before it, in this process',
    backends: {
      embedded: { promises: 'linearizable', costs: 'a local read', breaks: 'nothing' },
      hazelcast: {
        promises: 'own writes are read; reads of a key go forward',
        costs: 'a local read; a message to the owner after it has shown more than the copy has',
        breaks: 'an entry that the cluster has lost: reads of it are refused (`SESSION_LOST`), and after `tombstoneMs` it is absent',
      },
      [DIRECTORY]: { promises: 'as said', costs: 'a local read', breaks: 'nothing' },
    },
  },
  {
    consistency: 'strong',
    means: "the owner's present value",
    backends: {
      embedded: { promises: 'linearizable', costs: 'a read of the shared memory, and decoding', breaks: 'nothing' },
      hazelcast: {
        promises: 'owner-atomic: in one order per key, as long as the key has one owner; one synchronous backup',
        costs: 'a read: one message; a write: two, and more where others write the key',
        breaks: 'a member that is paused or cut off and goes on as owner: both sides commit, and one side is lost in the merge',
      },
      [DIRECTORY]: {
        promises: 'linearizable, over all processes',
        costs: 'a read of lmdb in this process, and decoding',
        breaks: 'nothing',
      },
    },
  },
]

/** What a process can rely on that holds a map in one of the ways there are. */
export interface Holding {
  readonly holds: string
  /** As given to `grid.map`. */
  readonly options: string
  readonly peek: string
  readonly get: string
  /** `size`, `entries()` and the indexes. */
  readonly all: string
  readonly watch: string
  readonly sourceAge: string
}

/** The table of docs/near-cache.md, kept equal by a test. `ageMs()` is the age of what is held, in each of them; of nothing there is none. */
export const HOLDINGS: readonly Holding[] = [
  {
    holds: 'the whole map',
    options: '(none)',
    peek: 'a miss is an absence',
    get: 'the copy',
    all: 'the whole map',
    watch: 'every change',
    sourceAge: 'of every source',
  },
  {
    holds: 'keys with a prefix',
    options: "`interest: { prefix: 'eu.' }`",
    peek: 'a miss is an absence, under the prefix',
    get: 'the copy; other keys from the owner',
    all: 'what is held',
    watch: 'every change under the prefix',
    sourceAge: 'under the prefix; else refused',
  },
  {
    holds: 'entries that satisfy a predicate',
    options: '`interest: { where }`',
    peek: 'may miss',
    get: 'the copy; what it misses from the owner',
    all: 'what is held',
    watch: 'every change; what leaves is a `remove` with `left: true`',
    sourceAge: 'of every source',
  },
  {
    holds: 'a bounded number',
    options: '`maxEntries: 1000`',
    peek: 'may miss',
    get: 'the copy; what it misses from the owner, and is then held',
    all: 'what is held; no indexes',
    watch: 'refused',
    sourceAge: 'refused',
  },
  {
    holds: 'nothing',
    options: "`interest: 'none'`",
    peek: 'refused',
    get: 'the owner',
    all: 'refused',
    watch: 'refused',
    sourceAge: 'refused',
  },
]

/** The table of {@link GUARANTEES} for one backend, in Markdown. */
export function renderGuarantees(backend: string): string {
  const rows = GUARANTEES.map(({ consistency, means, backends }) => {
    const { promises, costs, breaks } = backends[backend] ?? { promises: 'refused: UNSUPPORTED', costs: '', breaks: '' }
    return [`\`${consistency}\``, means, promises, costs, breaks]
  })
  return table(['', 'means', backend, 'costs', 'broken by'], rows)
}

/** The table of {@link HOLDINGS}, in Markdown. */
export function renderHoldings(): string {
  const rows = HOLDINGS.map(({ holds, options, peek, get, all, watch, sourceAge }) => [holds, options, peek, get, all, watch, sourceAge])
  return table(['holds', 'option', '`peek`', '`get`', '`size`, `entries()`, indexes', '`watch`', '`sourceAgeMs`'], rows)
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}
