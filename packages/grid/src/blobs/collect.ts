import type { BlobInfo, Collected } from './blobs.ts'
import type { BlobBytes, TagTable } from './ports.ts'

// So many are set aside before the tags are looked at again.
const ROUND = 256

/**
 * Removes what has no tag. What seems to have none is set aside first, then the tags are read once more: a tag that was written before
 * that is seen here; whoever writes one later finds its blob set aside, and keeps it, or finds it gone, and is told.
 */
export async function collectBlobs(
  bytes: BlobBytes,
  table: TagTable,
  graceMs: number,
  signal: AbortSignal | undefined,
): Promise<Collected> {
  await bytes.clean(graceMs)
  const before = await tagged(table)
  const total = { removed: 0, bytes: 0, kept: 0 }
  let round: (BlobInfo & { readonly aside: unknown })[] = []

  async function endRound(): Promise<void> {
    if (round.length === 0) return
    const now = await tagged(table)
    for (const { id, size, aside } of round) {
      if (now.has(id)) {
        await bytes.restore(id, aside)
        total.kept += 1
      } else {
        await bytes.discard(id, aside)
        total.removed += 1
        total.bytes += size
      }
    }
    round = []
  }

  try {
    for await (const blob of bytes.list()) {
      signal?.throwIfAborted()
      const aside = before.has(blob.id) ? undefined : await bytes.setAside(blob.id, graceMs)
      if (aside === undefined) total.kept += 1
      else round.push({ ...blob, aside })
      if (round.length >= ROUND) await endRound()
    }
    await endRound()
  } catch (error) {
    for (const { id, aside } of round) await bytes.restore(id, aside)
    throw error
  }
  return total
}

async function tagged(table: TagTable): Promise<ReadonlySet<string>> {
  const ids = new Set<string>()
  for await (const { id } of table.list()) ids.add(id)
  return ids
}
