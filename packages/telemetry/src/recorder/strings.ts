import { statePath } from '../names.ts'
import { ownText } from '../own-text.ts'

/** What a text is. */
export type TextKind = 'ids' | 'names'

export interface StringTableOptions {
  readonly maxStrings: number
  readonly maxBytes: number
  /** Is told, once each, that there is no place for more of them. @default nobody is */
  readonly full?: ((what: TextKind) => void) | undefined
}

/** A text longer than this is cut; that of a state, whose end may be what has changed, later. */
const LONGEST = 512
const LONGEST_STATE = 1024
/** What a text is called that found no place. */
export const OTHER = 'other'
const OTHER_ID = 1
/** Share of the places that ids of agents may take. */
const IDS_SHARE = 0.75
/** The smallest block of bytes, as a power of two; the longest text of 1,024 letters needs 3,072. */
const MIN_LOG2 = 4
const MAX_LOG2 = 12

/** How the table lies in shared memory: the number of places, then three Int32 for each, then the bytes. */
export const SLOTS = 2
/** Int32 fields of a place. `version` is odd while the text is being written, and 0 while it never was. */
export const SLOT = { offset: 0, length: 1, version: 2, size: 3 } as const

/**
 * Texts of the recorder as numbers, in shared memory, so that a reader on another thread can turn them back. Bounded (I6). The places of
 * texts that no record in the ring speaks of any more are used again: time is divided into epochs, each begun when all records before the
 * last one are overwritten. Who keeps a number asks for it anew in each epoch, so a text that nobody asked for in this epoch or the one
 * before is in no record. Texts that find no place are `other`.
 */
export class StringTable {
  /** For a reader on another thread: see `readStrings`. */
  readonly buffer: SharedArrayBuffer
  /** Numbers are good for this epoch: in the next one they must be asked for again. */
  epoch = 1
  /** Texts that found no place and are recorded as `other`. */
  refused = 0
  readonly #maxStrings: number
  readonly #maxBytes: number
  readonly #full: ((what: TextKind) => void) | undefined
  readonly #slots: Int32Array
  readonly #bytes: Uint8Array
  readonly #encoder = new TextEncoder()
  readonly #ids = new Map<string, number>()
  readonly #texts: (string | undefined)[] = []
  /** The epoch in which each number was last asked for. */
  readonly #asked: Int32Array
  /** Places that are free, by the size of their block. */
  readonly #free: number[][] = Array.from({ length: MAX_LOG2 + 1 }, () => [])
  readonly #sizes: Uint8Array
  readonly #told = new Set<TextKind>()
  /** Texts that are there, and the bytes of their blocks. */
  #live = 0
  #liveBytes = 0
  /** Bytes given to blocks so far. */
  #given = 0
  /** Number of the record with which this epoch began, and of the one up to which all are overwritten. */
  #beganAt = 0
  #gone = 0
  /** What was last asked for in an epoch up to this one is swept. */
  #swept = 0

  constructor({ maxStrings, maxBytes, full }: StringTableOptions) {
    const head = 4 * (SLOTS + SLOT.size * maxStrings)
    this.#maxStrings = maxStrings
    this.#maxBytes = maxBytes
    this.#full = full
    this.buffer = new SharedArrayBuffer(head + maxBytes)
    this.#slots = new Int32Array(this.buffer, 0, head / 4)
    this.#slots[0] = maxStrings
    this.#bytes = new Uint8Array(this.buffer, head)
    this.#asked = new Int32Array(maxStrings)
    this.#sizes = new Uint8Array(maxStrings)
    this.intern('')
    this.intern(OTHER)
  }

  /** The number of a text; 0 for the empty one. Longer ones are cut. */
  intern(text: string): number {
    return this.#find(text, 'names', LONGEST)
  }

  /**
   * The same for a state of a machine. That of one with many regions is longer as JSON than as a path: its path is what is held, and cut
   * where that is too long. Shorter ones are held as they came, which is all that most transitions pay.
   */
  internState(text: string): number {
    return text.length <= LONGEST ? this.#find(text, 'names', LONGEST) : this.#find(statePath(text), 'names', LONGEST_STATE)
  }

  /** The same for the id of an agent. There is no end of ids: they take at most three quarters of the places, and leave the rest to names. */
  internId(id: string): number {
    return this.#find(id, 'ids', LONGEST)
  }

  text(id: number): string {
    return this.#texts[id] ?? OTHER
  }

  /** Says, now and then, which record is the next, and up to which all are overwritten. */
  turn(head: number, gone: number): void {
    this.#gone = gone
    if (gone < this.#beganAt) return
    this.epoch += 1
    this.#beganAt = head
  }

  #find(text: string, what: TextKind, longest: number): number {
    const cut = text.length > longest ? text.slice(0, longest) : text
    const known = this.#ids.get(cut)
    // Ids may be cut from messages by the user, and there is no end of them.
    if (known === undefined) return this.#add(cut !== text || what === 'ids' ? ownText(cut) : text, what)
    this.#asked[known] = this.epoch
    return known
  }

  #add(text: string, what: TextKind): number {
    const encoded = this.#encoder.encode(text)
    const log2 = Math.max(MIN_LOG2, 32 - Math.clz32(Math.max(0, encoded.length - 1)))
    const share = what === 'ids' ? IDS_SHARE : 1
    let id = this.#place(log2, share)
    if (id < 0 && this.#sweep()) id = this.#place(log2, share)
    if (id < 0) return this.#refuse(what)
    const slots = this.#slots
    const at = SLOTS + SLOT.size * id
    const version = slots[at + SLOT.version] as number
    // Odd meanwhile: who reads on another thread looks before and after.
    Atomics.store(slots, at + SLOT.version, version + 1)
    this.#bytes.set(encoded, slots[at + SLOT.offset])
    slots[at + SLOT.length] = encoded.length
    Atomics.store(slots, at + SLOT.version, version + 2)
    this.#texts[id] = text
    this.#ids.set(text, id)
    this.#asked[id] = this.epoch
    this.#live += 1
    this.#liveBytes += 2 ** (this.#sizes[id] as number)
    return id
  }

  /** A place with a block of that size or more, or -1. */
  #place(log2: number, share: number): number {
    if (this.#live >= this.#maxStrings * share || this.#liveBytes + 2 ** log2 > this.#maxBytes * share) return -1
    for (let size = log2; size <= MAX_LOG2; size++) {
      const id = this.#free[size]?.pop()
      if (id !== undefined) return id
    }
    const id = this.#texts.length
    if (id >= this.#maxStrings || this.#given + 2 ** log2 > this.#maxBytes) return -1
    this.#slots[SLOTS + SLOT.size * id + SLOT.offset] = this.#given
    this.#sizes[id] = log2
    this.#given += 2 ** log2
    this.#texts.push(undefined)
    return id
  }

  /** Frees what no record speaks of. True if that may have been something. */
  #sweep(): boolean {
    const until = this.#gone >= this.#beganAt ? this.epoch - 1 : this.epoch - 2
    if (until <= this.#swept) return false
    this.#swept = until
    for (let id = OTHER_ID + 1; id < this.#texts.length; id++) {
      const text = this.#texts[id]
      if (text === undefined || (this.#asked[id] as number) > until) continue
      const size = this.#sizes[id] as number
      this.#texts[id] = undefined
      this.#ids.delete(text)
      this.#free[size]?.push(id)
      this.#live -= 1
      this.#liveBytes -= 2 ** size
    }
    return true
  }

  #refuse(what: TextKind): number {
    this.refused += 1
    if (!this.#told.has(what)) this.#full?.(what)
    this.#told.add(what)
    return OTHER_ID
  }
}
