import type { AnyMachineSnapshot } from 'xstate'
import { isCoreError } from '../errors.ts'
import { isForgotten } from './forgotten.ts'
import type { LifeOptions } from '../life/life-options.ts'
import type { RecordCodec } from './record-codec.ts'
import type { AgentRecord } from './record.ts'
import type { Services } from '../services.ts'
import type { StoreAccess } from './store-access.ts'
import type { Fence, StoreRecord } from './store.ts'

/** The agent whose state is kept. */
export interface Kept {
  readonly cell: {
    readonly running: boolean
    /** Something waits for it, whether there is room or not. */
    readonly hasMail: boolean
    /** The last good snapshot, if it is all there is to store. */
    readonly plain: AnyMachineSnapshot | undefined
    /** The state as it is now. Throws `CoreError` BAD_STATE if it cannot be captured. */
    capture(failedChild: string | undefined): AgentRecord
    /** There is something to store, or room again. */
    wake(): void
    /** What was let go threw, or can never be let go. */
    effectFailed(error: unknown): void
  }
  /** Another activation took over (I1). */
  lost(error: unknown): void
}

export type KeepingOptions = Pick<
  LifeOptions,
  'agent' | 'machine' | 'watch' | 'migrations' | 'durability' | 'gate' | 'checkpoint' | 'mailbox'
>

/** By which right it is stored, and how often it was. */
export interface Resting {
  readonly fence: Fence
  readonly rev: number
}

/** What was stored before. */
export interface Found {
  readonly kept: StoreRecord | undefined
  readonly record: AgentRecord | undefined
}

/** Undefined: there is no state. Throws as `RecordCodec.decode`. */
export function decodeRecord(options: KeepingOptions, codec: RecordCodec, bytes: Uint8Array | undefined): AgentRecord | undefined {
  if (bytes === undefined || isForgotten(bytes)) return undefined
  const { agent, machine, migrations } = options
  return codec.decode(bytes, { id: agent.id, machineType: agent.type, machineVersion: machine.version, migrations, machine })
}

/** What an agent is restarted from. Undefined: from the beginning. */
export interface Reloaded {
  readonly record: AgentRecord | undefined
  /** The last state: what it has been sent is remembered from there, on each rung. Its effects have left, and are not done twice. */
  readonly newest: AgentRecord | undefined
}

/** Down the ladder: the newest state (`bytes`), the one before it if the store keeps that, none. Throws as `decodeRecord`. */
export async function reloaded(
  options: KeepingOptions,
  { codec, access }: Pick<Services, 'codec' | 'access'>,
  bytes: Uint8Array | undefined,
  rung: number,
): Promise<Reloaded> {
  if (rung === 0) {
    const record = decodeRecord(options, codec, bytes)
    return { record, newest: record }
  }
  let newest: AgentRecord | undefined
  try {
    newest = decodeRecord(options, codec, bytes)
  } catch (error) {
    // It may be what brought the agent here.
    if (!isCoreError(error, 'STORE_BROKEN')) throw error
  }
  const before = rung > 1 ? undefined : await stateBefore(options.agent.id, rung, access)
  return { record: decodeRecord(options, codec, before), newest }
}

/** The stored state `back` states before the newest one, if the store keeps it. */
async function stateBefore(id: string, back: number, access: StoreAccess): Promise<Uint8Array | undefined> {
  const revisions = await access.revisions(id)
  // A state that was written twice is one state.
  const states = revisions.filter(({ value }, at) => at === 0 || !sameBytes(value, revisions[at - 1]?.value))
  return states[back]?.value
}

function sameBytes(a: Uint8Array, b: Uint8Array | undefined): boolean {
  return a.length === b?.length && a.every((byte, at) => byte === b[at])
}

/** True if nothing would come of starting what was found: it may stay as bytes. */
export function maySleep(options: LifeOptions, { codec, sleepRules }: Services, kept: StoreRecord, record: AgentRecord): boolean {
  const { agent, machine, watch, needs, migrations } = options
  if (watch.size > 0 || needs !== undefined) return false
  // What was migrated is to be stored anew.
  if (migrations !== undefined && codec.read(kept.value, agent.id).machineVersion !== machine.version) return false
  return sleepRules.maySleep(machine, record)
}

/** The same, without reading the context, of the plain states that most agents have. False: read it, and ask `maySleep`. */
export function sleepsOn({ agent, machine, watch, needs }: LifeOptions, { codec, sleepRules }: Services, bytes: Uint8Array): boolean {
  if (watch.size > 0 || needs !== undefined) return false
  const head = codec.glance(bytes)
  const ours = head?.machineType === agent.type && head.machineVersion === machine.version
  return ours && sleepRules.mayRest(machine, head.value)
}
