import type { Store } from '../store/store.ts'
import { isStoreError } from '../store/errors.ts'
import { deliverOutbox, type Delivered, type Delivery } from './deliver.ts'
import { recordId } from './entry.ts'

interface Left extends Omit<Delivery, 'name'> {
  readonly scan: Store['scan']
  /** Names that are delivered anyhow. */
  known(name: string): boolean
  readonly signal: AbortSignal
}

/**
 * Delivers what a process of the same owner has left in the outbox. By the fence it was recorded with, and not by ours: no other audit of
 * this owner is to be kept out of its names, and what another owner has taken over since stays as it is (I1).
 */
export async function deliverLeft({ scan, known, signal, ...parts }: Left, tell: Delivered): Promise<void> {
  const prefix = recordId('')
  for await (const { id, fence } of scan({ prefix })) {
    if (signal.aborted) return
    const name = id.slice(prefix.length)
    if (fence.owner !== parts.fence.owner || fence.token > parts.fence.token || known(name)) continue
    await deliverOutbox({ ...parts, fence, name }, tell).catch((error: unknown) => {
      if (!isStoreError(error, 'STORE_FENCED')) throw error
    })
  }
}
