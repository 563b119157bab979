/** Every way the grid says no. The README's table is kept equal to this one by a test. */
export const GRID_ERRORS = {
  BAD_OPTION: 'An option is unknown or has a value it cannot have. Correct the option named in the message.',
  BAD_KEY: 'A key is not a non-empty string. Pass one.',
  BAD_VALUE:
    'A value cannot be stored faithfully. Change what the message names: plain objects, arrays, strings, numbers but NaN, booleans, null, bigint, Date, Map, Set and Uint8Array can be stored.',
  VALUE_TOO_LARGE: 'A value is larger than `maxValueBytes`. Keep large data in blobs, outside of the map, and store its id.',
  BAD_ENVELOPE: 'Stored bytes are damaged or were not written by a grid. Find out what else writes to this map; remove them there.',
  NEWER_FORMAT: 'Stored bytes are in a format this release does not know. Upgrade @stigmergy/grid in this process.',
  NEWER_SCHEMA: 'A stored value has a newer schema version than this process writes. Upgrade this process; the value was left untouched.',
  NO_UPGRADE: 'A stored value has an older schema version and the map has no `upgrade`. Give the map one.',
  UPGRADE_FAILED: "The map's `upgrade` threw or returned what cannot be stored. See `cause`; the stored value was left untouched.",
  MAP_REOPENED: 'A map was asked for again with other options. Open it once, or pass the same options or none.',
  NOT_THE_SOURCE: 'A stamped write came from a process that does not hold the epoch of this source. A new source must use a higher epoch.',
  TOO_OLD: 'The replica is older than `maxAgeMs` and the owner cannot be asked. Wait for it to catch up, or allow more age.',
  UNSUPPORTED: 'The backend cannot give what was asked, and nothing weaker was done instead. Ask for something it supports.',
  TIMEOUT:
    'An operation did not end by its deadline: outcome unknown. A write may have been made or not: read the key with `strong` before writing again.',
  BUSY: 'An operation found no place among those under way by its deadline, or a write waited for others of its key, so nothing was sent. Write less, or allow more time or operations.',
  CONNECT_FAILED:
    'No connection to the cluster could be made in time. The message says what was found instead; correct the address or the name.',
  OFFLINE: 'The connection to the cluster is lost, so nothing was sent. It is made again by itself: try later. Reads of the copy go on.',
  OUTCOME_UNKNOWN:
    'The answer of a write was lost, and looking did not tell whether it was made. Read the key with `strong` before writing again.',
  SESSION_LOST:
    'This process was shown a value that the cluster has lost, at least for now. Read it again later, or with `eventual` or `strong` to take what there is.',
  CLOSED: 'The grid was closed. Open another. A write that was under way then may have been made or not.',
  CLOCK_BUSY: 'A virtual clock was told to run while it runs. Await the first call.',
  CLOCK_IDLE:
    'A virtual clock has no timer left and the condition it runs for is not met. Something that should wait on this clock does not.',
} as const

export type GridErrorCode = keyof typeof GRID_ERRORS

/** The only error class of this package. Switch on `code`. */
export class GridError extends Error {
  override readonly name: string = 'GridError'
  readonly code: GridErrorCode

  constructor(code: GridErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** True for a `GridError` (of that code), also when it comes from another copy of this package. */
export function isGridError(error: unknown, code?: GridErrorCode): error is GridError {
  if (!(error instanceof Error) || error.name !== 'GridError' || !('code' in error)) return false
  return code === undefined ? Object.hasOwn(GRID_ERRORS, error.code as string) : error.code === code
}

/** Why a value is refused for its size. */
export function tooLarge(what: string, bytes: number, maxValueBytes: number): GridError {
  return new GridError(
    'VALUE_TOO_LARGE',
    `${what} takes ${bytes} bytes; maxValueBytes is ${maxValueBytes}. Keep large data in blobs, and store its id`,
  )
}

/** Why a stored value is neither read nor written over (I9). */
export function newerSchema(place: string, stored: number, known: number): GridError {
  return new GridError('NEWER_SCHEMA', `${place}it has schema version ${stored}; this process knows up to ${known}`)
}

/** What is wrong with the names of options, or undefined. A misspelt one would otherwise be silently without effect. */
export function unknownOption(of: string, options: object, known: readonly string[]): string | undefined {
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) return `${of} has no option ${quote(name)}: it has ${known.join(', ')}`
  }
  return undefined
}

/** A value as an error message shows it: short, quoted, never throwing. */
export function quote(value: unknown): string {
  if (typeof value === 'function') return `function ${value.name || '(anonymous)'}`
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value !== 'object' && typeof value !== 'string') return String(value)
  let text: string
  try {
    text = JSON.stringify(value) ?? String(value)
  } catch {
    text = Object.prototype.toString.call(value)
  }
  return text.length > 80 ? `${text.slice(0, 77)}...` : text
}
