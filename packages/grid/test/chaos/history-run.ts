import {
  checkLinearizable,
  checkSession,
  describeVerdict,
  registerModel,
  type Operation,
  type SessionViolation,
  type TestCluster,
} from '@stigmergy/grid/testing'
import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { byKey } from '../../src/testing/history/linearizable.ts'
import { openLink } from './link.ts'
import type { History } from './roles/history-client.ts'
import { startWorker } from './workers.ts'

export interface HistoryVerdict {
  readonly operations: number
  /** Of them, those whose outcome is unknown. */
  readonly unknown: number
  readonly keys: number
  /** Keys for whose operations no order can be found. */
  readonly refuted: readonly { readonly key: string; readonly text: string }[]
  readonly undecided: readonly string[]
  readonly sessionOperations: number
  readonly sessionViolations: readonly SessionViolation[]
}

/** Puts the histories of several clients together and judges them. */
export function judgeHistories(histories: readonly History[]): HistoryVerdict {
  const strong = histories.flatMap((history) => history.strong)
  const session = histories.flatMap((history) => history.session)
  const keys = byKey(strong)
  const verdicts = Array.from(keys, ([key, operations]) => {
    return { key, verdict: checkLinearizable(operations, registerModel<number>(), { maxConfigurations: 300_000 }) }
  })
  const refuted = verdicts.filter(({ verdict }) => verdict.kind === 'not-linearizable')
  return {
    operations: strong.length,
    unknown: strong.filter(({ returnedAt }) => returnedAt === undefined).length,
    keys: keys.size,
    refuted: refuted.map(({ key, verdict }) => ({ key, text: describeVerdict(verdict) })),
    undecided: verdicts.flatMap(({ key, verdict }) => (verdict.kind === 'undecided' ? [key] : [])),
    sessionOperations: session.length,
    sessionViolations: checkSession(session, ({ input, output }: Operation<'read' | 'write', { readonly version: number }>) =>
      output === undefined ? undefined : { version: output.version, wrote: input === 'write' },
    ),
  }
}

export interface HistoryRunOptions {
  readonly cluster: TestCluster
  readonly clients: number
  readonly keys: number
  readonly seed: number
  /** @default 4 */
  readonly lanes?: number
  /** @default 10 */
  readonly pauseMs?: number
  /** So many of the clients hold nothing of the maps. @default 0 */
  readonly unheld?: number
  /** The last client reaches this member alone, as a process on the same side of a cut. @default all */
  readonly lastClientAt?: string
  /** What happens meanwhile; the run ends with it. */
  readonly during: (cluster: TestCluster) => Promise<void>
}

/** Several processes read, write and compare-and-set the same keys while something is done to the members. */
export async function runHistories(options: HistoryRunOptions): Promise<HistoryVerdict> {
  const { cluster, clients, keys, seed, lanes = 4, pauseMs = 10, unheld = 0, lastClientAt, during } = options
  const prefix = `${randomUUID().slice(0, 8)}.`
  const { clusterName, addresses } = cluster
  await using link = await openLink(() => 0)
  link.shape(lastClientAt === undefined ? {} : { [lastClientAt]: {}, '*': { refuse: true } })
  const starting = Array.from({ length: clients }, (_, at) => {
    const isCut = at === clients - 1 && lastClientAt !== undefined
    const args = { name: `c${at}`, number: at, seed: seed + at, keys, lanes, pauseMs, unheld: at < unheld }
    const hazelcast = { clusterName, members: isCut ? [lastClientAt] : addresses, prefix }
    return startWorker<History>({ name: `c${at}`, role: 'history-client', args, hazelcast, ...(isCut && { linkPort: link.port }) })
  })
  const workers = await Promise.all(starting)
  await during(cluster)
  // What is still under way gets its end.
  const histories = await Promise.all(workers.map((worker) => worker.stop()))
  return judgeHistories(histories)
}

export function describeHistories({ operations, unknown, keys, refuted, undecided, ...session }: HistoryVerdict): string {
  const { sessionOperations, sessionViolations } = session
  return (
    `${operations} strong operations on ${keys} keys, ${unknown} of unknown outcome: ${refuted.length} keys not linearizable, ` +
    `${undecided.length} undecided; ${sessionOperations} session operations, ${sessionViolations.length} steps back`
  )
}

/** The kinds of trouble whose violations are measured; each with a cluster of its own. */
export const TROUBLES = {
  nothing: (ms: number) => async () => wait(ms),
  'a member killed': (ms: number) => async (cluster: TestCluster) => {
    await wait(ms / 3)
    await cluster.members.findLast(({ state }) => state === 'running')?.kill()
    await wait((2 * ms) / 3)
  },
  'a member joined': (ms: number) => async (cluster: TestCluster) => {
    await cluster.join()
    await wait(ms)
  },
  // Long enough for the others to give it up.
  'a member paused': (ms: number) => async (cluster: TestCluster) => {
    const last = cluster.members.findLast(({ state }) => state === 'running')
    await wait(ms / 6)
    last?.pause()
    await wait(ms / 2)
    last?.resume()
    await wait(ms / 3)
  },
} as const
