import type { Codec } from './codec.ts'
import type { DriverWrite } from './driver.ts'
import type { Entry, SourceStamp } from './entry.ts'
import type { Sealed } from './seal.ts'
import type { TraceContext } from './trace.ts'

/** What a write is made of, before the backend gives it a version. */
export interface WriteParts {
  readonly key: string
  readonly writer: string
  readonly expect: number | undefined
  readonly trace: TraceContext | undefined
}

export interface PutParts extends WriteParts {
  readonly sealed: Sealed
  readonly schemaVersion: number
  readonly ttlMs: number | undefined
  readonly source: SourceStamp | undefined
}

/** A put made by this process. It becomes the entry without being decoded: the sealed value is already what readers may share. */
export class LocalPut<V> implements DriverWrite {
  readonly type = 'put'
  readonly #parts: PutParts
  readonly #codec: Codec
  /** Packed before the commit: a value that cannot be packed never gets half way. */
  readonly #body: Uint8Array
  #entry: Entry<V> | undefined

  constructor(parts: PutParts, codec: Codec) {
    this.#parts = parts
    this.#codec = codec
    this.#body = codec.packValue(parts.sealed)
  }

  get key(): string {
    return this.#parts.key
  }

  get expect(): number | undefined {
    return this.#parts.expect
  }

  get ttlMs(): number | undefined {
    return this.#parts.ttlMs
  }

  pack(version: number, atMs: number): Uint8Array {
    const { schemaVersion, writer, ttlMs, source, trace } = this.#parts
    return this.#codec.pack({ schemaVersion, version, writer, stampMs: atMs, ttlMs, source, trace }, this.#body)
  }

  /** The entry it became; the same object for the near cache and for the caller of `put`. */
  entry(version: number, atMs: number): Entry<V> {
    if (this.#entry?.version === version) return this.#entry
    const { key, writer, schemaVersion, ttlMs, source, trace, sealed } = this.#parts
    this.#entry = Object.freeze({ key, value: sealed.value as V, version, writer, schemaVersion, ttlMs, source, trace, acceptedAtMs: atMs })
    return this.#entry
  }
}

/** A remove made by this process. */
export class LocalRemove implements DriverWrite {
  readonly type = 'remove'
  readonly key: string
  readonly expect: number | undefined
  readonly ttlMs: undefined
  readonly #writer: string
  readonly #trace: TraceContext | undefined
  readonly #codec: Codec

  constructor({ key, writer, expect, trace }: WriteParts, codec: Codec) {
    this.key = key
    this.expect = expect
    this.#trace = trace
    this.#writer = writer
    this.#codec = codec
  }

  pack(version: number, atMs: number): Uint8Array {
    const header = {
      schemaVersion: 0,
      version,
      writer: this.#writer,
      stampMs: atMs,
      ttlMs: undefined,
      source: undefined,
      trace: this.#trace,
    }
    return this.#codec.pack(header, undefined)
  }
}
