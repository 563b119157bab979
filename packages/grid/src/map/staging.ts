import type { MapDriver } from '../driver.ts'
import { GridError, quote } from '../errors.ts'
import type { WriteOptions } from '../grid.ts'
import type { ResolvedMapOptions } from './map-options.ts'
import { checkNames, checkVersion } from '../options.ts'
import type { Replica } from './replica.ts'
import type { Writer } from './writer.ts'

/** What a write of a transaction may say. */
export interface StageOptions extends Pick<WriteOptions, 'ttlMs' | 'source' | 'trace'> {
  /** The key must still have this version (0: be absent), else the whole transaction is refused. @default whatever it has */
  readonly expectedVersion?: number
}

const PUT_NAMES = ['expectedVersion', 'ttlMs', 'source', 'trace']
const REMOVE_NAMES = ['expectedVersion', 'trace']

/** A write that its backend will commit together with others. */
export interface Staged {
  /** The backend's own. */
  readonly write: object
  /** It was committed, or was not. */
  done(): void
}

export interface StagingOptions<V> {
  readonly map: string
  readonly driver: MapDriver
  readonly writer: Writer<V>
  readonly replica: Replica<V>
  readonly options: ResolvedMapOptions<V>
}

/** Writes of one map for a transaction of its backend: checked and packed as any other, and committed by whoever holds the rest. */
export class Staging<V> {
  readonly #options: StagingOptions<V>

  constructor(options: StagingOptions<V>) {
    this.#options = options
  }

  /** Throws `GridError` as `put` does, and UNSUPPORTED where the backend has no transactions or the map merges blind writes. */
  put(key: string, value: V, given: StageOptions): Staged {
    // A misspelt `expectedVersion` would make a blind write of a guarded one.
    checkNames('put of a transaction', given, PUT_NAMES)
    const { expectedVersion, ...options } = given
    const expect = this.#expect(expectedVersion)
    return this.#stage(key, this.#options.writer.prepared(key, value, expect, options))
  }

  /** Throws as {@link put}. */
  remove(key: string, given: Pick<StageOptions, 'expectedVersion' | 'trace'>): Staged {
    checkNames('remove of a transaction', given, REMOVE_NAMES)
    const { expectedVersion, trace } = given
    const expect = this.#expect(expectedVersion)
    return this.#stage(key, this.#options.writer.removal(key, expect, trace === undefined ? {} : { trace }))
  }

  #expect(version: number | undefined): number | undefined {
    if (version !== undefined) return checkVersion(version)
    const { map, options } = this.#options
    if (options.merge === undefined) return undefined
    throw new GridError('UNSUPPORTED', `map ${quote(map)} merges blind writes, a transaction does not: give the version expected there`)
  }

  #stage(key: string, write: ReturnType<Writer<V>['prepared']> | ReturnType<Writer<V>['removal']>): Staged {
    const { map, driver, writer, replica } = this.#options
    if (driver.stage === undefined) {
      throw new GridError('UNSUPPORTED', `map ${quote(map)}: its backend has no transactions. Open its grid on the backend of openDurable`)
    }
    // Puts that wait to be coalesced were asked for before.
    writer.flush(key)
    const staged = driver.stage(write)
    // A bounded copy keeps what is written here: the change is let in as it comes by.
    const { kept, reading } = replica
    if (kept !== undefined) reading.begin(key)
    return { write: staged, done: () => kept !== undefined && reading.end(key) }
  }
}
