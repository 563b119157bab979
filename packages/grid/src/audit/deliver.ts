import type { Clock } from '../time/clock.ts'
import { withDeadline } from '../store/deadline.ts'
import { isStoreError, StoreError } from '../store/errors.ts'
import type { Fence } from '../store/store.ts'
import { putTagged } from '../blobs/put-tagged.ts'
import { readEntry, recordId, tagName, versionTag } from './entry.ts'
import type { AuditOptions } from './open-audit.ts'

// A bucket that does not answer holds no first version up for longer: delivering finds the same out.
const LOOK_MS = 1000

/**
 * Throws TAG_CONFLICT for a name that the store does not know and the blobs do: its versions would be counted anew, and none would ever
 * reach the blobs.
 */
export async function refuseForeign({ store, blobs, name }: Omit<Delivery, 'fence'>, clock: Clock): Promise<void> {
  const known = withDeadline(blobs.tags(tagName(name)), clock, LOOK_MS, `a look at the versions of ${name}`)
  const [oldest] = await known.catch(() => [])
  if (oldest === undefined) return
  // Another process may have recorded and delivered the first one meanwhile.
  if ((await store.get(recordId(name))) === undefined) throw foreign(name, Number.parseInt(oldest.version, 10))
}

function foreign(name: string, version: number, cause?: unknown): StoreError {
  const text =
    `the blobs have version ${version} of ${name} already, and not from this store: give the audit the store that its versions are of, ` +
    `blobs of its own, or another name`
  return new StoreError('TAG_CONFLICT', text, { cause })
}

export interface Delivery extends Pick<AuditOptions, 'blobs' | 'store'> {
  readonly fence: Fence
  readonly name: string
}

export interface Delivered {
  /** Before a look at the outbox, which {@link empty} tells of if nothing was in it. */
  looking(): void
  empty(): void
  delivered(count: number): void
}

/** Moves what the outbox holds to the blobs, in order, until it is empty. Doing it twice, or by two processes, does no harm. */
export async function deliverOutbox({ store, blobs, fence, name }: Delivery, tell: Delivered): Promise<void> {
  const id = recordId(name)
  for (;;) {
    tell.looking()
    const items = await store.outbox(id)
    const last = items.at(-1)
    if (last === undefined) return tell.empty()
    for (const { value } of items) {
      const { version } = readEntry(value, name)
      await putTagged(blobs, tagName(name), () => versionTag(version), value).catch((error: unknown) => {
        throw isStoreError(error, 'TAG_CONFLICT') ? foreign(name, version, error) : error
      })
    }
    await store.settle(id, fence, last.seq)
    tell.delivered(items.length)
  }
}
