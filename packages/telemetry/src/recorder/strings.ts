/** Texts of the recorder as numbers, in shared memory, so that a reader on another thread can turn them back. Bounded (I6). */
export interface StringTable {
  /** For a reader on another thread: see {@link readStrings}. */
  readonly buffer: SharedArrayBuffer
  /** Texts that found no place and are recorded as `other`. */
  readonly refused: number
  /** The number of a text; 0 for the empty one. Longer ones are cut. */
  intern(text: string): number
  /** The same for the id of an agent. There is no end of ids: they take at most three quarters of the places, and leave the rest to names. */
  internId(id: string): number
  text(id: number): string
}

export interface StringTableOptions {
  readonly maxStrings: number
  readonly maxBytes: number
  /** Is told, once each, that there is no place for more of them. @default nobody is */
  readonly full?: ((what: TextKind) => void) | undefined
}

/** What a text is. */
export type TextKind = 'ids' | 'names'

/** A text longer than this is cut. */
const LONGEST = 512
/** What a text is called that found no place. */
const OTHER = 'other'
const OTHER_ID = 1
/** Share of the places that ids of agents may take. */
const IDS_SHARE = 0.75

/** Int32: how many there are, then the end of each in the bytes that follow. */
export function createStringTable({ maxStrings, maxBytes, full }: StringTableOptions): StringTable {
  const buffer = new SharedArrayBuffer(4 * (maxStrings + 2) + maxBytes)
  const ends = new Int32Array(buffer, 0, maxStrings + 2)
  ends[1] = maxStrings
  const bytes = new Uint8Array(buffer, 4 * (maxStrings + 2))
  const encoder = new TextEncoder()
  const ids = new Map<string, number>()
  const texts: string[] = []
  let used = 0
  let refused = 0
  const told = new Set<TextKind>()

  const refuse = (what: TextKind): number => {
    refused += 1
    if (!told.has(what)) full?.(what)
    told.add(what)
    return OTHER_ID
  }

  const add = (text: string, what: TextKind): number => {
    const encoded = encoder.encode(text)
    const share = what === 'ids' ? IDS_SHARE : 1
    if (texts.length >= maxStrings * share || used + encoded.length > maxBytes * share) return refuse(what)
    bytes.set(encoded, used)
    used += encoded.length
    const id = texts.length
    ends[id + 2] = used
    texts.push(text)
    ids.set(text, id)
    // Last, and as a release: who reads the new count finds the text.
    Atomics.store(ends, 0, texts.length)
    return id
  }
  add('', 'names')
  add(OTHER, 'names')

  const find = (text: string, what: TextKind): number => {
    const known = ids.get(text)
    if (known !== undefined) return known
    return text.length > LONGEST ? (ids.get(text.slice(0, LONGEST)) ?? add(text.slice(0, LONGEST), what)) : add(text, what)
  }

  return {
    buffer,
    get refused() {
      return refused
    },
    intern: (text) => find(text, 'names'),
    internId: (id) => find(id, 'ids'),
    text: (id) => texts[id] ?? OTHER,
  }
}

/** The texts of a table of this or another thread. Asks the shared memory anew for a number it does not know yet. */
export function readStrings(buffer: SharedArrayBuffer): (id: number) => string {
  const maxStrings = new Int32Array(buffer, 0, 2)[1] as number
  const ends = new Int32Array(buffer, 0, maxStrings + 2)
  const bytes = new Uint8Array(buffer, 4 * (maxStrings + 2))
  const decoder = new TextDecoder()
  const texts: string[] = []
  return (id) => {
    const count = Atomics.load(ends, 0)
    while (texts.length < count) {
      const at = texts.length
      const from = at === 0 ? 0 : (ends[at + 1] as number)
      // A copy: a decoder does not take shared memory.
      texts.push(decoder.decode(Uint8Array.from(bytes.subarray(from, ends[at + 2]))))
    }
    return texts[id] ?? OTHER
  }
}
