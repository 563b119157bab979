import type { IMap } from 'hazelcast-client'

/** Up to so many entries a map is read by one message, which every member answers at once; a larger one in slices. */
const WHOLE_LIMIT = 20_000
const SLICE = 1000

/** All that is in a map. Throws whatever the client throws. */
export async function readAll(imap: IMap<string, Buffer>): Promise<Iterable<readonly [string, Buffer]>> {
  if ((await imap.size()) <= WHOLE_LIMIT) return imap.entrySet()
  const keys = [...(await imap.keySet())]
  const entries: (readonly [string, Buffer])[] = []
  for (let at = 0; at < keys.length; at += SLICE) entries.push(...(await imap.getAll(keys.slice(at, at + SLICE))))
  return entries
}
