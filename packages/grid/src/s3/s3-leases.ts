import type { LeaseTable } from '../store/authority.ts'
import { keyOf } from './keys.ts'
import type { Operations } from '../store/operations.ts'
import type { ResolvedS3Options } from './options.ts'
import type { Register, Seen } from './register.ts'

type Fields = readonly [fence: number, owner: string | null, ttlMs: number, beat: string]

/** How many leases are remembered as they were last seen; a swap of a forgotten one reads it first. */
const MOST = 1000

/** Leases as objects: compare-and-set by their tags. */
export function createS3Leases({ prefix }: ResolvedS3Options, register: Register, operations: Operations): LeaseTable {
  const folder = `${prefix}leases/`
  const last = new Map<string, Seen>()

  function remember(name: string, seen: Seen): void {
    last.delete(name)
    last.set(name, seen)
    if (last.size > MOST) last.delete(last.keys().next().value as string)
  }

  async function look(name: string, signal: AbortSignal): Promise<Seen> {
    const seen = await register.read(keyOf(folder, name), signal)
    remember(name, seen)
    return seen
  }

  return {
    read: (name) =>
      operations.run(`a read of lease ${name}`, async (signal) => {
        const { etag, fields } = await look(name, signal)
        if (fields === undefined) return { tag: undefined, row: undefined }
        const [fence, owner, ttlMs, beat] = fields as Fields
        return { tag: etag, row: { fence, owner: owner ?? undefined, ttlMs, beat } }
      }),
    swap: (name, tag, { fence, owner, ttlMs, beat }) =>
      operations.run(`a write of lease ${name}`, async (signal) => {
        const known = last.get(name)
        const seen = known?.etag === tag && known !== undefined ? known : await look(name, signal)
        if (seen.etag !== tag) return undefined
        const fields: Fields = [fence, owner ?? null, ttlMs, beat]
        const { swapped, now } = await register.swap(keyOf(folder, name), seen, fields, signal)
        if (now !== undefined) remember(name, now)
        // Written, and overtaken since: the tag is not ours any more, so it must not be told as that.
        return swapped && (now?.fields as Fields | undefined)?.[3] === beat ? now?.etag : undefined
      }),
  }
}
