/** Every way the durable half says no. docs/durability.md has this table, kept equal by a test. */
export const STORE_ERRORS = {
  BAD_OPTION: 'An option is unknown or has a value it cannot have. Correct the option named in the message.',
  BAD_ID: 'An id or name cannot be stored. Pass a non-empty string without NUL, of at most 400 bytes in UTF-8.',
  STORE_FENCED: 'Another owner took over with a newer fence. Stop this one; nothing was written.',
  STORE_CONFLICT: 'The stored revision is not the expected one. Read it again and decide anew; nothing was written.',
  STORE_FULL: 'The disk is full, or a quota is used up. Free space, then try again; what was acknowledged is safe.',
  STORE_ACCESS:
    'The place of the store cannot be written: permission, a read-only file system, or no directory. Correct the path or its rights.',
  STORE_UNREACHABLE:
    'The store cannot be reached, or cannot serve now. Check its address and the network; whether a write happened is unknown: read again.',
  STORE_UNSUPPORTED: 'The store cannot give what was asked, and nothing weaker was done instead. Use one that can, or ask for less.',
  STORE_CLOCK: 'The clock of this machine is too far from that of the store. Set it right: signatures are refused until then.',
  STORE_BROKEN: 'Stored bytes are damaged. Nothing was changed: restore the file from a backup, or delete it if it may be lost.',
  STORE_NEWER: 'The store was written by a newer release. Upgrade this program; the store was left untouched.',
  STORE_PEER: 'The package lmdb is not installed, or cannot be loaded here. Install the version that the message names.',
  STORE_TIMEOUT: 'The store gave no answer in time. Whether the write happened is unknown: read before writing again.',
  STORE_FAILED: 'The store failed in a way that has no code of its own. See the message and `cause`; reading again shows what holds.',
  STORE_BUSY: 'Too many writes wait already, so this one was not begun. Await earlier ones first.',
  JOURNAL_GAP: 'A producer left a number out. Append from the number that the message names on; nothing was written.',
  JOURNAL_TRIMMED: 'What a reader asks for is no longer kept. Begin at the offset that the message names; what lies between is gone.',
  JOURNAL_LAGGING: 'A reader stayed too far behind for the time allowed. Start it again, or forget it.',
  BLOB_MISSING: 'There is no such blob or tag. Correct the id or the range, or put the blob first.',
  BLOB_BROKEN: 'The bytes of a blob are not those of its id. Put the blob again from its source.',
  TAG_CONFLICT: 'The tag is not where it was expected to be. Read it again and decide anew; nothing was written.',
  LEASE_LOST: 'The lease is not ours any more, or was not renewed in time. Stop what it protected and acquire it anew.',
  CLOSED: 'The store was closed. Open another.',
} as const

export type StoreErrorCode = keyof typeof STORE_ERRORS

/** The only error class of the durable half. Switch on `code`. */
export class StoreError extends Error {
  override readonly name: string = 'StoreError'
  readonly code: StoreErrorCode

  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** True for a `StoreError` (of that code), also when it comes from another copy of this package. */
export function isStoreError(error: unknown, code?: StoreErrorCode): error is StoreError {
  if (!(error instanceof Error) || error.name !== 'StoreError' || !('code' in error)) return false
  return code === undefined ? Object.hasOwn(STORE_ERRORS, error.code as string) : error.code === code
}
