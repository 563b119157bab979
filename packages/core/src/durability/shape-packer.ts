import { FEW, keysIn, type ObjectShape, type Shape } from './shape.ts'

/** A shape, and by which number the packer's reader knows the keys of each object in it. */
export interface Plan {
  /** Of an object. Undefined: it is a list. */
  readonly keys: readonly string[] | undefined
  readonly number: number
  /** Of an object, what is under each key. */
  readonly below: readonly (Plan | undefined)[]
  /** Of a list, what its objects are. */
  readonly of: Plan | undefined
}

/** The first list of keys that the packer shares has this number. */
const FIRST_NUMBER = 0x40
const SLAB_BYTES = 8192
/** Less is left: a new slab is begun. */
const ROOM_BYTES = 256
/** A number, or what comes before a text, a list or an object. */
const LARGEST_TOKEN = 9
const LARGEST_BODY = 0xffff

export function planOf(shape: ObjectShape): Plan {
  const numbers = new Map(keysIn(shape).map((keys, at) => [JSON.stringify(keys), FIRST_NUMBER + at]))
  const plan = (part: Shape): Plan | undefined => {
    if (part === undefined) return undefined
    if (!('keys' in part)) return { keys: undefined, number: 0, below: [], of: plan(part.of) }
    const { keys } = part
    return { keys, number: numbers.get(JSON.stringify(keys)) as number, below: part.below.map(plan), of: undefined }
  }
  return plan(shape) as Plan
}

/**
 * Packs a context of a known shape in one walk, which is also what shows that it has that shape. The form is MessagePack as the library
 * reads it with the shape's lists of keys; that one looks up every key of every object, and this is on the path of every checkpoint.
 * Whatever is not simple here is left to it.
 */
export class ShapePacker {
  // Slices of it are given away, and it is never written again where they are.
  #slab: Buffer = Buffer.allocUnsafeSlow(SLAB_BYTES)
  #at = 0
  #end = 0
  /** The slab has no room for it. */
  #full = false
  #busy = false
  readonly #seen: object[] = []
  readonly #double = new DataView(new ArrayBuffer(8))
  readonly #digits = new Uint8Array(this.#double.buffer)

  /** `prefix` and the context; the prefix ends with the length of what follows, in two bytes. Undefined: it is not of this kind. */
  pack(context: object, plan: Plan, prefix: Uint8Array): Uint8Array | undefined {
    // A getter in the context may ask for this very packer.
    if (this.#busy) return undefined
    this.#busy = true
    try {
      return this.#tried(context, plan, prefix)
    } finally {
      this.#busy = false
    }
  }

  #tried(context: object, plan: Plan, prefix: Uint8Array): Uint8Array | undefined {
    if (this.#slab.length - this.#end < ROOM_BYTES + prefix.length) this.#begin()
    const packed = this.#packed(context, plan, prefix)
    if (packed !== undefined || !this.#full) return packed
    this.#begin()
    return this.#packed(context, plan, prefix)
  }

  #begin(): void {
    this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES)
    this.#end = 0
  }

  #packed(context: object, plan: Plan, prefix: Uint8Array): Uint8Array | undefined {
    const slab = this.#slab
    const start = this.#end
    const body = start + prefix.length
    this.#full = false
    this.#seen.length = 0
    if (body > slab.length) return undefined
    slab.set(prefix, start)
    this.#at = body
    if (!this.#object(context, plan)) return undefined
    const length = this.#at - body
    if (length > LARGEST_BODY) return undefined
    slab[body - 2] = length >> 8
    slab[body - 1] = length & 0xff
    this.#end = this.#at
    return slab.subarray(start, this.#at)
  }

  #object(object: object, { keys, number, below }: Plan): boolean {
    if (keys === undefined || Object.getPrototypeOf(object) !== Object.prototype || !this.#hasRoom(0)) return false
    this.#slab[this.#at++] = number
    let at = 0
    for (const key in object) {
      if (key !== keys[at] || !this.#value((object as Record<string, unknown>)[key], below[at])) return false
      at += 1
    }
    return at === keys.length
  }

  #value(value: unknown, plan: Plan | undefined): boolean {
    if (typeof value === 'object' && value !== null) {
      const seen = this.#seen
      if (plan === undefined || seen.length >= FEW || seen.includes(value)) return false
      seen.push(value)
      return plan.keys === undefined ? this.#list(value, plan.of) : this.#object(value, plan)
    }
    if (plan !== undefined) return false
    if (typeof value === 'string') return this.#text(value)
    if (!this.#hasRoom(0)) return false
    if (typeof value === 'number') return this.#number(value)
    if (typeof value === 'boolean') this.#slab[this.#at++] = value ? 0xc3 : 0xc2
    else if (value === null) this.#slab[this.#at++] = 0xc0
    else if (value === undefined) this.#token(0xd4, 0, 2)
    else return false
    return true
  }

  #list(list: object, of: Plan | undefined): boolean {
    if (!Array.isArray(list) || list.length > 0xffff || !this.#hasRoom(list.length)) return false
    const items = list as readonly unknown[]
    const { length } = items
    if (length < 0x10) this.#slab[this.#at++] = 0x90 | length
    else this.#token(0xdc, length, 2)
    let objects = 0
    for (let at = 0; at < length; at++) {
      const item = items[at]
      const isObject = typeof item === 'object' && item !== null
      if (isObject) objects += 1
      if (!this.#value(item, isObject ? of : undefined)) return false
    }
    // A list without an object is of another shape.
    return objects > 0 === (of !== undefined)
  }

  #text(text: string): boolean {
    const slab = this.#slab
    const { length } = text
    if (!this.#hasRoom(length)) return false
    const at = this.#at
    const first = at + (length < 0x20 ? 1 : 2)
    if (length < 0x40) {
      let i = 0
      for (let code = 0; i < length && (code = text.charCodeAt(i)) < 0x80; i++) slab[first + i] = code
      if (i === length) {
        if (length < 0x20) slab[at] = 0xa0 | length
        else {
          slab[at] = 0xd9
          slab[at + 1] = length
        }
        this.#at = first + length
        return true
      }
    }
    return this.#longText(text)
  }

  #longText(text: string): boolean {
    const bytes = Buffer.byteLength(text)
    if (!this.#hasRoom(bytes) || !(text as string & { isWellFormed(): boolean }).isWellFormed()) return false
    if (bytes < 0x20) this.#slab[this.#at++] = 0xa0 | bytes
    else if (bytes < 0x100) this.#token(0xd9, bytes, 1)
    else this.#token(0xda, bytes, 2)
    this.#at += this.#slab.write(text, this.#at, 'utf8')
    return true
  }

  #number(value: number): boolean {
    if (value >>> 0 === value) {
      if (value < FIRST_NUMBER) this.#slab[this.#at++] = value
      else if (value < 0x100) this.#token(0xcc, value, 1)
      else if (value < 0x10000) this.#token(0xcd, value, 2)
      else this.#token(0xce, value, 4)
    } else if ((value | 0) === value) {
      if (value >= -0x20) this.#slab[this.#at++] = value
      else if (value >= -0x80) this.#token(0xd0, value, 1)
      else if (value >= -0x8000) this.#token(0xd1, value, 2)
      else this.#token(0xd2, value, 4)
    } else this.#fraction(value)
    return true
  }

  #fraction(value: number): void {
    // Half as long where nothing is lost by it.
    const bytes = Math.fround(value) === value ? 4 : 8
    if (bytes === 4) this.#double.setFloat32(0, value)
    else this.#double.setFloat64(0, value)
    this.#slab[this.#at++] = bytes === 4 ? 0xca : 0xcb
    for (let at = 0; at < bytes; at++) this.#slab[this.#at++] = this.#digits[at] as number
  }

  /** And a whole number of so many bytes. */
  #token(token: number, value: number, bytes: number): void {
    this.#slab[this.#at++] = token
    for (let shift = 8 * (bytes - 1); shift >= 0; shift -= 8) this.#slab[this.#at++] = (value >> shift) & 0xff
  }

  /** For a token and so many bytes. */
  #hasRoom(bytes: number): boolean {
    this.#full ||= this.#at + LARGEST_TOKEN + bytes > this.#slab.length
    return !this.#full
  }
}
