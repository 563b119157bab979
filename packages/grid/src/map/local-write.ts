import type { Codec } from './codec.ts'
import type { DriverPut, DriverWrite, WriteId } from '../driver.ts'
import type { Entry, SourceStamp, Stamps } from './entry.ts'
import type { Sealed } from './seal.ts'
import type { TraceContext } from './trace.ts'

/** What a write is made of, before the backend gives it a version. */
export interface WriteParts {
  readonly id: WriteId
  readonly key: string
  readonly writer: string
  readonly stamps: Stamps | undefined
  readonly expect: number | undefined
  readonly trace: TraceContext | undefined
}

export interface PutParts extends WriteParts {
  readonly sealed: Sealed
  readonly schemaVersion: number
  readonly ttlMs: number | undefined
  readonly source: SourceStamp | undefined
  readonly strong: boolean
}

/**
 * A put made by this process. It becomes the entry without being decoded: the sealed value is already what readers may share. One
 * object that holds all there is of it, because as many of them are alive as there are writes under way.
 */
export class LocalPut<V> implements DriverPut<Entry<V>> {
  readonly type = 'put'
  readonly key: string
  readonly expect: number | undefined
  readonly strong: boolean
  readonly ttlMs: number | undefined
  readonly id: WriteId
  readonly writer: string
  readonly sealed: Sealed
  readonly stamps: Stamps | undefined
  readonly #schemaVersion: number
  readonly #source: SourceStamp | undefined
  readonly #trace: TraceContext | undefined
  readonly #codec: Codec
  #body: Uint8Array | undefined
  #entry: Entry<V> | undefined

  constructor({ id, key, writer, stamps, expect, trace, sealed, schemaVersion, ttlMs, source, strong }: PutParts, codec: Codec) {
    this.key = key
    this.expect = expect
    this.strong = strong
    this.ttlMs = ttlMs
    this.id = id
    this.writer = writer
    this.sealed = sealed
    this.stamps = stamps
    this.#schemaVersion = schemaVersion
    this.#source = source
    this.#trace = trace
    this.#codec = codec
  }

  /** Size of the packed value, which is packed for it if nobody has done so yet. */
  get bytes(): number {
    return this.#packed.length
  }

  /** The same write, over that version, of what became of its value. */
  over(expect: number, sealed: Sealed, stamps: Stamps): LocalPut<V> {
    const { id, key, writer, ttlMs, strong } = this
    const [schemaVersion, source, trace] = [this.#schemaVersion, this.#source, this.#trace]
    return new LocalPut({ id, key, writer, ttlMs, strong, schemaVersion, source, trace, expect, sealed, stamps }, this.#codec)
  }

  pack(version: number, atMs: number): Uint8Array {
    return this.packAfter(0, version, atMs)
  }

  packAfter(room: number, version: number, atMs: number): Buffer {
    const { id: writeId, writer, ttlMs, stamps } = this
    const [schemaVersion, source, trace] = [this.#schemaVersion, this.#source, this.#trace]
    const body = this.#packed
    // It is seldom packed again: what many writes under way would hold in vain is let go of.
    this.#body = undefined
    return this.#codec.pack({ schemaVersion, version, writer, stampMs: atMs, ttlMs, source, trace, writeId, stamps }, body, room)
  }

  // What is coalesced away never is packed.
  get #packed(): Uint8Array {
    this.#body ??= this.#codec.packValue(this.sealed)
    return this.#body
  }

  /** The entry it became; the same object for the near cache and for the caller of `put`. */
  entry(version: number, atMs: number): Entry<V> {
    if (this.#entry?.version === version) return this.#entry
    const { key, writer, ttlMs, stamps, sealed } = this
    const [schemaVersion, source, trace] = [this.#schemaVersion, this.#source, this.#trace]
    const value = sealed.value as V
    this.#entry = Object.freeze({ key, value, version, writer, schemaVersion, ttlMs, source, trace, stamps, acceptedAtMs: atMs })
    return this.#entry
  }
}

/** A remove made by this process. */
export class LocalRemove implements DriverWrite {
  readonly type = 'remove'
  readonly ttlMs: undefined
  readonly #parts: WriteParts
  readonly #codec: Codec

  constructor(parts: WriteParts, codec: Codec) {
    this.#parts = parts
    this.#codec = codec
  }

  get parts(): WriteParts {
    return this.#parts
  }

  /** The same remove, of that version only. */
  over(expect: number): LocalRemove {
    return new LocalRemove({ ...this.#parts, expect }, this.#codec)
  }

  get id(): WriteId {
    return this.#parts.id
  }

  get key(): string {
    return this.#parts.key
  }

  get expect(): number | undefined {
    return this.#parts.expect
  }

  pack(version: number, atMs: number): Uint8Array {
    return this.packAfter(0, version, atMs)
  }

  packAfter(room: number, version: number, atMs: number): Buffer {
    const { id, writer, stamps, trace } = this.#parts
    const absent = { ttlMs: undefined, source: undefined }
    return this.#codec.pack({ schemaVersion: 0, version, writer, stampMs: atMs, trace, writeId: id, stamps, ...absent }, undefined, room)
  }
}
