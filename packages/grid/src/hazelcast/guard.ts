import type { DriverRecord } from '../driver.ts'
import { GridError, isGridError, newerSchema, quote } from '../errors.ts'
import type { Codec } from '../map/codec.ts'
import { HIGHEST_VERSION, readFrame } from './frame.ts'
import type { Mark, Marks } from './marks.ts'

export interface GuardOptions {
  readonly map: string
  /** The highest that this process can read, and what it writes. Infinity: it has none. */
  readonly schemaVersion: number
  readonly marks: Marks
  readonly codec: Pick<Codec, 'read'>
}

/** Keeps the writes of one map off what this process cannot read: it is left untouched, whoever put it there (I9). */
export class Guard {
  readonly #options: GuardOptions
  readonly #mark: Mark

  constructor(options: GuardOptions) {
    this.#options = options
    this.#mark = options.marks.of(options.map)
    if (options.schemaVersion !== Infinity) options.marks.tell({ map: options.map, schema: options.schemaVersion })
  }

  /** May there be such a thing? Then a write must not begin before it has looked at what it replaces. */
  get looks(): boolean {
    return this.#mark.highest > this.#options.schemaVersion
  }

  /** Until that, no write is sent. `joined`: when others know that this process writes. */
  prepared(joined: Promise<void> | undefined): Promise<void> | undefined {
    return joined === undefined ? this.#mark.announcing : joined.then(() => this.#mark.announcing)
  }

  /** Under that key there is what no grid wrote. */
  foreign(key: unknown): void {
    // A key that is no string is one of those that no grid can write.
    if (typeof key === 'string') this.#options.marks.tell({ map: this.#options.map, schema: Infinity })
  }

  /**
   * `raw`: what stands there; `current`: the entry that it is, if it is not over or removed. Throws `GridError` BAD_ENVELOPE, NEWER_FORMAT
   * or NEWER_SCHEMA. Gives its version, or 0 where there is nothing.
   */
  check(key: string, raw: Buffer | null, current: DriverRecord | undefined): number {
    if (raw === null) return 0
    const version = this.#checkFrame(key, raw)
    if (current !== undefined) this.#checkEnvelope(key, current.bytes)
    return version
  }

  #checkFrame(key: string, raw: Buffer): number {
    const frame = readFrame(raw)
    if (frame === undefined) {
      this.foreign(key)
      throw new GridError('BAD_ENVELOPE', `${this.#place(key)}what is stored there was not written by a grid; it was left untouched`)
    }
    if (frame.version < HIGHEST_VERSION) return frame.version
    throw new GridError('BAD_ENVELOPE', `${this.#place(key)}its version ${frame.version} comes from no clock there is`)
  }

  #checkEnvelope(key: string, bytes: Uint8Array): void {
    const { codec, schemaVersion } = this.#options
    const { header } = codec.read(bytes)
    if (header.schemaVersion > schemaVersion) throw newerSchema(this.#place(key), header.schemaVersion, schemaVersion)
  }

  /** Is it that something has to be left untouched? */
  static refused(error: unknown): error is GridError {
    return isGridError(error, 'BAD_ENVELOPE') || isGridError(error, 'NEWER_FORMAT') || isGridError(error, 'NEWER_SCHEMA')
  }

  #place(key: string): string {
    return `${quote(key)} of map ${quote(this.#options.map)}: `
  }
}
