import type { Fence } from '../store/store.ts'
import { readEntry, recordId, tagName, versionTag } from './entry.ts'
import type { AuditOptions } from './open-audit.ts'

interface Delivery extends Pick<AuditOptions, 'blobs' | 'store'> {
  readonly fence: Fence
  readonly name: string
}

/** Moves what the outbox holds to the blobs, in order, until it is empty. Doing it twice, or by two processes, does no harm. */
export async function deliverOutbox({ store, blobs, fence, name }: Delivery, delivered: (count: number) => void): Promise<void> {
  const id = recordId(name)
  for (;;) {
    const items = await store.outbox(id)
    const last = items.at(-1)
    if (last === undefined) return
    for (const { value } of items) {
      const { version } = readEntry(value, name)
      const blob = await blobs.put(value)
      await blobs.tag(tagName(name), versionTag(version), blob.id)
    }
    await store.settle(id, fence, last.seq)
    delivered(items.length)
  }
}
