import { systemClock, type Clock } from '../time/clock.ts'
import { badOption, checkCount, checkNames } from '../store/rules.ts'
import type { SegmentArchive } from './archive.ts'

export interface JournalOptions {
  /** How many records are kept at least; older ones may go. @default Infinity */
  readonly keepRecords?: number
  /** What becomes of records older than that which a named reader has not read. `drop` counts them. @default 'keep' */
  readonly unread?: 'keep' | 'drop'
  /** Where old records move to; without one all stay in the store. */
  readonly archive?: SegmentArchive
  /** How many of the newest records stay in the store. Needs `archive`. @default 65536 */
  readonly hotRecords?: number
  /** How many records make a segment of the archive, about; 4 MB do as well. @default 4096 */
  readonly segmentRecords?: number
  /** How many records may wait for their commit. @default 65536 */
  readonly maxPending?: number
  /** @default systemClock() */
  readonly clock?: Clock
}

export interface ResolvedJournalOptions {
  readonly keepRecords: number
  readonly unread: 'keep' | 'drop'
  readonly archive: SegmentArchive | undefined
  readonly hotRecords: number
  readonly segmentRecords: number
  readonly maxPending: number
  readonly clock: Clock
}

const NAMES = ['keepRecords', 'unread', 'archive', 'hotRecords', 'segmentRecords', 'maxPending', 'clock']

export function resolveJournalOptions(options: JournalOptions): ResolvedJournalOptions {
  checkNames('a journal', options, NAMES)
  const { keepRecords = Infinity, unread = 'keep', archive, clock = systemClock() } = options
  if (unread !== 'keep' && unread !== 'drop') throw badOption('unread', unread, "'keep' or 'drop'")
  if (archive !== undefined && !isArchive(archive))
    throw badOption('archive', archive, 'what archiveInBlobs makes, or the same three functions')
  if (options.hotRecords !== undefined && archive === undefined) throw badOption('hotRecords', options.hotRecords, 'an archive as well')
  return {
    keepRecords: keepRecords === Infinity ? Infinity : checkCount('keepRecords', keepRecords, 0),
    unread,
    archive,
    hotRecords: checkCount('hotRecords', options.hotRecords ?? 65_536, 0),
    segmentRecords: checkCount('segmentRecords', options.segmentRecords ?? 4096, 1),
    maxPending: checkCount('maxPending', options.maxPending ?? 65_536, 1),
    clock,
  }
}

function isArchive(archive: SegmentArchive): boolean {
  const { put, get, drop } = archive
  return [put, get, drop].every((each) => typeof each === 'function')
}
