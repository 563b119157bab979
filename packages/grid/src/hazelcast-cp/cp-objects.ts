import { withDeadline } from '../store/deadline.ts'
import { isStoreError, StoreError } from '../store/errors.ts'
import type { Operations } from '../store/operations.ts'
import { cpError, type CpLong, type CpReference } from './client.ts'
import type { ResolvedCpOptions } from './options.ts'

/** The CP objects of one name: references that hold bytes, with a deadline for each call. */
export interface CpObjects {
  /** Makes the objects with these first bytes, or finds those that were made before. */
  claim(first: Uint8Array, signal: AbortSignal): Promise<void>
  /** The bytes of an object. */
  get(shard: number, signal: AbortSignal): Promise<Uint8Array>
  /** One try. Throws STORE_UNREACHABLE where its outcome is unknown. */
  compareAndSet(shard: number, expect: Uint8Array, update: Uint8Array): Promise<boolean>
}

/**
 * The client cannot compare a reference with nothing: it sends a null of its own, which no reference holds. So objects are made under
 * a number of their own, each with its first bytes, and one AtomicLong, which begins as 0, says by compare-and-set which number it is.
 */
export function createCpObjects(options: ResolvedCpOptions, { retry }: Operations): CpObjects {
  const { client, name, shards, clock, tryMs, random } = options
  const [base = name, group] = name.split('@')
  const full = (suffix: string): string => `${base}${suffix}${group === undefined ? '' : `@${group}`}`
  let references: readonly CpReference[] = []

  /** The client has no deadline of its own: a paused member holds a call for as long as it is paused (I8). */
  async function attempt<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await withDeadline(call(), clock, tryMs, `a call of the CP objects ${name}`)
    } catch (error) {
      if (isStoreError(error, 'STORE_TIMEOUT')) throw new StoreError('STORE_UNREACHABLE', error.message, { cause: error })
      throw cpError(error)
    }
  }

  const open = (number: number): Promise<readonly CpReference[]> => {
    const names = Array.from({ length: shards }, (_, at) => full(`-${number}-${at}`))
    const subsystem = client.getCPSubsystem()
    return attempt(() => Promise.all(names.map((each) => subsystem.getAtomicReference<Uint8Array | null>(each) as Promise<CpReference>)))
  }

  /** Makes objects that nobody else knows, and tries to publish them. Their bytes are set once: a lost set must not come late. */
  async function make(chosen: CpLong, first: Uint8Array): Promise<void> {
    const number = 1 + Math.floor(random() * (Number.MAX_SAFE_INTEGER - 1))
    for (const reference of await open(number)) await attempt(() => reference.set(first))
    await attempt(() => chosen.compareAndSet(0, number))
  }

  async function read(reference: CpReference): Promise<Uint8Array> {
    const bytes = await attempt(() => reference.get())
    if (bytes === null) throw new StoreError('STORE_BROKEN', `the CP objects ${name} are empty: something else has cleared them`)
    return bytes
  }

  const at = (shard: number): CpReference => references[shard] as CpReference

  return {
    claim: (first, signal) =>
      retry(signal, async () => {
        const chosen = await attempt(() => client.getCPSubsystem().getAtomicLong(full('')))
        let number = (await attempt(() => chosen.get())).toNumber()
        if (number === 0) {
          await make(chosen, first)
          number = (await attempt(() => chosen.get())).toNumber()
        }
        references = await open(number)
      }),
    get: (shard, signal) => retry(signal, () => read(at(shard))),
    compareAndSet: (shard, expect, update) => attempt(() => at(shard).compareAndSet(expect, update)),
  }
}
