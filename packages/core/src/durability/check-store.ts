import { systemClock } from '@stigmergy/grid'
import { resolveKinds, type AgentKind } from './agent-kind.ts'
import { partsOption, quote } from '../check.ts'
import { isForgotten } from './forgotten.ts'
import { CoreError } from '../errors.ts'
import { Host } from '../cell/host.ts'
import type { HostOwner } from '../cell/host-owner.ts'
import { takeInterrupted } from '../cell/interrupted.ts'
import { createRecordCodec } from './record-codec.ts'
import type { PersistedSnapshot } from './record.ts'
import { Deciding } from '../cell/stepper.ts'
import type { FullStore } from './store.ts'

/** A stored agent that the new program could not resume. */
export interface CheckFailure {
  readonly id: string
  /** As stored; undefined if that cannot be read. */
  readonly type: string | undefined
  readonly version: string | undefined
  /** What its `spawn` would throw. */
  readonly error: Error
}

export interface StoreCheck {
  /** Agents that have a state. */
  readonly checked: number
  /** Ids that have none, because their first spawn failed: the next begins anew. */
  readonly forgotten: number
  /** How many could not be resumed, and the first of them. */
  readonly failed: number
  readonly failures: readonly CheckFailure[]
}

export interface CheckOptions {
  /** Only ids that begin so. @default all */
  readonly prefix?: string
  /** Not the ids that begin with one of these: what else is kept in the same store is no agent. @default none */
  readonly skip?: readonly string[]
  /** Failures that are kept; the rest is only counted. @default 100 */
  readonly limit?: number
  readonly signal?: AbortSignal
}

/**
 * Tries, before a program is deployed, whether it can resume every agent of a live store: reads, migrates and restores each, and runs none.
 * Nothing is written, and no effect happens. Throws what the store throws, the signal's reason, or `CoreError` BAD_OPTION.
 */
export async function checkStore(
  store: Pick<FullStore, 'scan'>,
  kinds: readonly AgentKind[],
  { prefix = '', skip = [], limit = 100, signal }: CheckOptions = {},
): Promise<StoreCheck> {
  partsOption('store', store ?? null, ['scan'], 'an open store')
  const byType = resolveKinds(kinds)
  const codec = createRecordCodec()
  const failures: CheckFailure[] = []
  let checked = 0
  let forgotten = 0
  let failed = 0
  const environment = { clock: systemClock(), logger: () => undefined, deciding: new Deciding(), slot: { current: undefined } }

  function resume(id: string, type: string, bytes: Uint8Array): void {
    const kind = byType.get(type)
    if (kind === undefined)
      throw new CoreError('STORE_FOREIGN', `agent ${quote(id)} is a ${quote(type)}, and no machine of that type is given`)
    const { machine, migrations } = kind
    const { snapshot } = codec.decode(bytes, { id, machineType: type, machineVersion: machine.version, migrations, machine })
    // What has ended begins anew.
    if (snapshot.status !== 'active') return
    takeInterrupted(machine, snapshot, 'all')
    const host = new Host({ id, environment, gate: undefined, machine }, NOBODY)
    const first = host.prepare(undefined, snapshot as PersistedSnapshot)
    if (first.status === 'error') throw first.error
  }

  for await (const { id, value } of store.scan({ prefix })) {
    signal?.throwIfAborted()
    if (skip.some((each) => id.startsWith(each))) continue
    if (isForgotten(value)) {
      forgotten += 1
      continue
    }
    checked += 1
    let type: string | undefined
    let version: string | undefined
    try {
      ;({ machineType: type, machineVersion: version } = codec.read(value, id))
      resume(id, type, value)
    } catch (error) {
      failed += 1
      if (failures.length < limit) failures.push({ id, type, version, error: error instanceof Error ? error : new Error(String(error)) })
    }
  }
  return { checked, forgotten, failed, failures }
}

/** A host that is never started asks nothing of its owner. */
const NOBODY = {} as HostOwner
