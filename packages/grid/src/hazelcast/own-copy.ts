import type { DriverRecord } from '../driver.ts'
import type { AwaitedWrites } from './awaited-writes.ts'

/** What writes have to do with this process's copy of their map. */
export interface OwnCopy {
  /** Writes that are to come back to it. Undefined: there is no copy, so a write is done when its owner has it. */
  readonly awaited: AwaitedWrites | undefined
  /** The newest version of the key that this process was shown. */
  versionOf(key: string): number | undefined
  /** As the owner has it; undefined for what is removed or expired. */
  toRecord(key: string, stored: Buffer | null): DriverRecord | undefined
  /** A write of this process has become that version of the key, and its caller is told so. `lasts`: it is a value without an end. @default it comes as a change */
  made?(key: string, version: number, atMs: number, lasts: boolean): void
  /** The owner has neither a value nor the mark of a remove. */
  missing?(key: string): void
  /** This number needs no waiting for any more. */
  done(session: string, number: number): void
}
