import type { IMap } from 'hazelcast-client'
import type { DriverRecord } from '../driver.ts'
import { GridError, quote } from '../errors.ts'
import type { HybridClock } from '../time/hybrid-clock.ts'
import { toGridError } from './client-errors.ts'
import { readFrame, restamp } from './frame.ts'
import type { LostKeys } from './lost-keys.ts'
import type { OwnCopy } from './own-copy.ts'

/** How often a read is made again that shows less than this process has seen. */
const OLDER_TRIES = 20

export interface OwnerReadsOptions {
  readonly map: string
  readonly hybrid: HybridClock
  readonly copy: Pick<OwnCopy, 'versionOf' | 'toRecord' | 'missing'>
  readonly lost: LostKeys
  /** Resolves with the map of the present connection. Throws `GridError` OFFLINE. */
  readonly ready: () => IMap<string, Buffer> | Promise<IMap<string, Buffer>>
}

/** What is read from the owners of one map, past the copy. */
export class OwnerReads {
  readonly #options: OwnerReadsOptions

  constructor(options: OwnerReadsOptions) {
    this.#options = options
  }

  /** See `MapDriver.read`. */
  async read(key: string, shown: number, orLost: boolean): Promise<DriverRecord | undefined> {
    const { map, hybrid, copy, lost } = this.#options
    hybrid.see(shown)
    try {
      for (let tries = 0; ; tries++) {
        const imap = await this.#options.ready()
        const stored = await imap.get(key)
        const frame = readFrame(stored)
        if (frame !== undefined) hybrid.see(frame.version)
        const isOlder = frame !== undefined && frame.version < Math.max(shown, copy.versionOf(key) ?? 0, lost.versionOf(key) ?? 0)
        if (stored === null) copy.missing?.(key)
        if (stored === null && orLost && lost.versionOf(key) !== undefined) throw this.#isLost(key)
        if (!isOlder || tries === OLDER_TRIES) return copy.toRecord(key, stored)
        // It was committed last all the same, or has come back in a merge: it gets a version that says so, here if nowhere else.
        if (tries > 0) await imap.replaceIfSame(key, stored as Buffer, restamp(stored as Buffer, hybrid.next()))
      }
    } catch (error) {
      throw error instanceof GridError ? error : toGridError(error, `get of ${quote(key)} of map ${quote(map)}`)
    }
  }

  #isLost(key: string): GridError {
    const { map, lost } = this.#options
    return new GridError(
      'SESSION_LOST',
      `get of ${quote(key)} of map ${quote(map)}: this process was shown version ${lost.versionOf(key)}, and the cluster has neither a value ` +
        'nor the mark of a remove. It may come back; `eventual` and `strong` take what there is',
    )
  }

  async keys(): Promise<readonly string[]> {
    try {
      return [...(await (await this.#options.ready()).keySet())]
    } catch (error) {
      throw toGridError(error, `clear of map ${quote(this.#options.map)}`)
    }
  }
}
