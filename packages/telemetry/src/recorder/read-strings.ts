import { OTHER, SLOT, SLOTS } from './strings.ts'

/** How often a text is looked at again that is being written meanwhile. */
const TRIES = 4

/**
 * The texts of a table of this or another thread. A place may be used again for another text once no record speaks of the first one: so ask
 * for the texts of a record, and look after that whether the record is still there.
 */
export function readStrings(buffer: SharedArrayBuffer): (id: number) => string {
  const maxStrings = new Int32Array(buffer, 0, 1)[0] as number
  const size = SLOTS + SLOT.size * maxStrings
  const slots = new Int32Array(buffer, 0, size)
  const bytes = new Uint8Array(buffer, 4 * size)
  const decoder = new TextDecoder()
  const texts: string[] = []
  const versions: number[] = []
  return (id) => {
    if (!(id < maxStrings)) return OTHER
    const at = SLOTS + SLOT.size * id
    for (let tries = 0; tries < TRIES; tries++) {
      const version = Atomics.load(slots, at + SLOT.version)
      if (version === 0) return OTHER
      if (version === versions[id]) return texts[id] as string
      const offset = slots[at + SLOT.offset] as number
      // A copy: a decoder does not take shared memory.
      const copy = Uint8Array.from(bytes.subarray(offset, offset + (slots[at + SLOT.length] as number)))
      if (version % 2 !== 0 || Atomics.load(slots, at + SLOT.version) !== version) continue
      texts[id] = decoder.decode(copy)
      versions[id] = version
      return texts[id]
    }
    return OTHER
  }
}
