import { Packr, RESERVE_START_SPACE } from 'msgpackr'
import type { StateValue } from 'xstate'
import { copyOfValue, keyOfValue } from '../cell/state-value.ts'
import { isSound } from './skim.ts'
import { planOf, ShapePacker, type Plan } from './shape-packer.ts'
import { fits, keysIn, shapeOf, type ObjectShape } from './shape.ts'

/** Version of this form of a record (I9). */
export const SHORT_SCHEMA_VERSION = 3

/** What is the same in the records of many agents. */
export interface Head {
  readonly machineType: string
  readonly machineVersion: string | undefined
  readonly value: StateValue
}

/** The state of an agent that is nothing but a value and a context. */
export interface ShortRecord extends Head {
  readonly context: unknown
}

interface Known extends Head {
  readonly packr: Packr
  /** How many keys the contexts' objects have, each of its kind. */
  readonly fields: readonly number[]
  /** With what comes before it. */
  readonly packed: Uint8Array
}

/** Shapes of a kind's contexts that are tried, and those that are learned at all: what has more is stored the long way. */
const TRIED = 4
const LEARNED = 32
/** As many heads and lists of keys are remembered (I6): others are worked out each time. */
const REMEMBERED = 1000
/** What its length is written in has two bytes. */
const LARGEST_BODY = 0xffff
/** The packer leaves room for 255 bytes in front: for the head, and what is around it. */
const LARGEST_HEAD = 0xff - 4 - 3

// MessagePack: a list of the version and two byte strings, of which one says its length in one byte, the other in two.
const LIST_OF_3 = 0x93
const BYTES_8 = 0xc4
const BYTES_16 = 0xc5
const HEAD_AT = 4
const BODY_LENGTH = 3

/** How contexts of one shape are packed, and by state of the machine what comes before them. */
class Form {
  readonly shape: ObjectShape
  readonly plan: Plan
  readonly packr: Packr
  readonly structures: readonly (readonly string[])[]
  readonly prefixes: Map<string, Uint8Array> = new Map()

  constructor(shape: ObjectShape, structures: readonly (readonly string[])[], packr: Packr) {
    this.shape = shape
    this.plan = planOf(shape)
    this.structures = structures
    this.packr = packr
  }
}

/** The shapes of one kind of agent. */
interface Kind {
  readonly machineVersion: string | undefined
  /** The one that was met last is the first. */
  readonly forms: Form[]
  learned: number
}

/**
 * Records of plain states: `[3, head, body]`, in MessagePack. The head has what many agents share: the machine, the state's value, and the
 * keys of the context, which are packed and read once. The body is the context without them. A record says all that is in it: the head is
 * shared in memory, not in the store, and holds no key that is not in this very context.
 */
export class ShortRecords {
  readonly #kinds = new Map<string, Kind>()
  readonly #packrs = new Map<string, Packr>()
  readonly #heads = new Map<string, Known>()
  readonly #plain = new Packr()
  readonly #packer = new ShapePacker()
  /** The one that was met last: mostly the next one is the same. */
  #last: Known | undefined
  readonly #seen: object[] = []
  // Bytes are read from here: the packer makes a view of each buffer it reads, this one's is made once.
  readonly #desk: Buffer = Buffer.alloc(HEAD_AT + LARGEST_HEAD + BODY_LENGTH + LARGEST_BODY)
  readonly #part = { start: 0, end: 0 }

  /** Undefined: it must be stored the long way. Throws what the packer throws. */
  encode({ machineType, machineVersion, value, context }: ShortRecord): Uint8Array | undefined {
    if (typeof context !== 'object' || context === null) return undefined
    const kind = this.#kindOf(machineType, machineVersion)
    const last = kind.forms[0]
    const lastPrefix = last && this.#prefix(last, machineType, machineVersion, value)
    const quick = lastPrefix && this.#packer.pack(context, (last as Form).plan, lastPrefix)
    if (quick !== undefined) return quick
    const form = this.#formOf(kind, context)
    const prefix = form && this.#prefix(form, machineType, machineVersion, value)
    if (prefix === undefined) return undefined
    const bytes = (form as Form).packr.pack(context, RESERVE_START_SPACE | prefix.length)
    const length = bytes.length - prefix.length
    if (length > LARGEST_BODY) return undefined
    bytes.set(prefix)
    bytes[prefix.length - 2] = length >> 8
    bytes[prefix.length - 1] = length & 0xff
    return bytes
  }

  #kindOf(machineType: string, machineVersion: string | undefined): Kind {
    let kind = this.#kinds.get(machineType)
    if (kind === undefined || kind.machineVersion !== machineVersion) {
      kind = { machineVersion, forms: [], learned: 0 }
      if (this.#kinds.size < REMEMBERED || this.#kinds.has(machineType)) this.#kinds.set(machineType, kind)
    }
    return kind
  }

  #formOf(kind: Kind, context: object): Form | undefined {
    const { forms } = kind
    for (let at = 0; at < forms.length; at++) {
      const form = forms[at] as Form
      this.#seen.length = 0
      if (!fits(context, form.shape, this.#seen)) continue
      if (at > 0) forms.unshift(...forms.splice(at, 1))
      return form
    }
    if (kind.learned >= LEARNED) return undefined
    const shape = shapeOf(context)
    if (shape === undefined) return undefined
    kind.learned += 1
    const structures = keysIn(shape)
    const form = new Form(shape, structures, this.#packrOf(structures))
    forms.unshift(form)
    if (forms.length > TRIED) forms.pop()
    return form
  }

  /** Undefined: it is too long. */
  #prefix(form: Form, machineType: string, machineVersion: string | undefined, value: StateValue): Uint8Array | undefined {
    const key = keyOfValue(value)
    const known = form.prefixes.get(key)
    if (known !== undefined) return known
    const head = this.#plain.pack([machineType, machineVersion ?? null, value, form.structures])
    if (head.length > LARGEST_HEAD) return undefined
    const prefix = Buffer.concat([
      Uint8Array.of(LIST_OF_3, SHORT_SCHEMA_VERSION, BYTES_8, head.length),
      head,
      Uint8Array.of(BYTES_16, 0, 0),
    ])
    if (form.prefixes.size < REMEMBERED) form.prefixes.set(key, prefix)
    return prefix
  }

  #packrOf(structures: readonly (readonly string[])[]): Packr {
    const key = JSON.stringify(structures)
    let packr = this.#packrs.get(key)
    if (packr === undefined) {
      packr = new Packr({ moreTypes: true, structures: structures.map((keys) => [...keys]), maxSharedStructures: structures.length })
      if (this.#packrs.size < REMEMBERED) this.#packrs.set(key, packr)
    }
    return packr
  }

  /** Undefined: it is none of these. Throws if it is broken. */
  decode(bytes: Uint8Array): ShortRecord | undefined {
    const head = this.#headOf(bytes)
    if (head === undefined) return undefined
    const { machineType, machineVersion, value, packr } = head
    this.#desk.set(bytes)
    this.#part.start = bodyAt(bytes)
    this.#part.end = bytes.length
    return { machineType, machineVersion, value: copyOfValue(value), context: packr.unpack(this.#desk, this.#part) as unknown }
  }

  /**
   * What a record says, without its context: that is only looked through, so that it can be read later. Undefined: it is none of these, or
   * to know that it can be read it must be read. Throws if it is broken. What it gives is shared.
   */
  glance(bytes: Uint8Array): Head | undefined {
    const head = this.#headOf(bytes)
    return head !== undefined && isSound(bytes, bodyAt(bytes), head.fields) ? head : undefined
  }

  #headOf(bytes: Uint8Array): Known | undefined {
    if (bytes[0] !== LIST_OF_3 || bytes[1] !== SHORT_SCHEMA_VERSION || bytes[2] !== BYTES_8) return undefined
    const at = bodyAt(bytes)
    const length = ((bytes[at - 2] as number) << 8) + (bytes[at - 1] as number)
    if (bytes[at - BODY_LENGTH] !== BYTES_16 || bytes.length !== at + length) throw new RangeError('it is cut off')
    const last = this.#last
    if (last !== undefined && startsWith(bytes, last.packed)) return last
    this.#desk.set(bytes)
    const text = this.#desk.toString('latin1', HEAD_AT, at - BODY_LENGTH)
    const known = this.#heads.get(text) ?? this.#read(text, new Uint8Array(bytes.subarray(0, at - BODY_LENGTH)))
    this.#last = known
    return known
  }

  #read(text: string, packed: Uint8Array): Known {
    const head: unknown = this.#plain.unpack(packed.subarray(HEAD_AT))
    if (!isHead(head)) throw new TypeError('its head is none')
    const [machineType, machineVersion, value, structures] = head
    const packr = this.#packrOf(structures)
    const fields = structures.map((keys) => keys.length)
    const read: Known = { machineType, machineVersion: machineVersion ?? undefined, value: copyOfValue(value), packr, fields, packed }
    if (this.#heads.size < REMEMBERED) this.#heads.set(text, read)
    return read
  }
}

/** Where the context begins. */
function bodyAt(bytes: Uint8Array): number {
  return HEAD_AT + (bytes[HEAD_AT - 1] as number) + BODY_LENGTH
}

function startsWith(bytes: Uint8Array, start: Uint8Array): boolean {
  for (let at = 0; at < start.length; at++) if (bytes[at] !== start[at]) return false
  return true
}

type PackedHead = readonly [
  machineType: string,
  machineVersion: string | null,
  value: StateValue,
  structures: readonly (readonly string[])[],
]

function isHead(head: unknown): head is PackedHead {
  if (!Array.isArray(head) || head.length !== 4) return false
  const [type, version, , structures] = head as readonly unknown[]
  const lists = Array.isArray(structures) && structures.every((keys) => Array.isArray(keys) && keys.every((key) => typeof key === 'string'))
  return typeof type === 'string' && (version === null || typeof version === 'string') && lists
}
