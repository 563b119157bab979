import type { Database, RootDatabase } from 'lmdb'
import { quote } from '../errors.ts'
import { withDeadline } from '../store/deadline.ts'
import { StoreError } from '../store/errors.ts'
import { createRowCodec, type RowCodec } from '../store/row.ts'
import { commitFailure } from './commit-error.ts'
import { clearDeadReaders } from './dead-readers.ts'
import { diskError } from './disk-errors.ts'
import { guarded } from './guarded.ts'
import { LateWrites } from './late-writes.ts'
import { openLmdb, tableNames } from './open-lmdb.ts'
import type { ResolvedDurableOptions } from './options.ts'

/**
 * Version of the tables in an environment (I9). In version 1 a writer gave no epoch, so its rows can be read on but it must not
 * write beside this release. In version 2 a row told no key, and earlier releases cannot read one that does. An environment becomes the
 * newest version when it is opened.
 */
export const DURABLE_SCHEMA_VERSION = 3

/** So often within the time that a write may take, one that waits is made to look whether it must. */
const LOOKS_AGAIN = 8

export type Table = Database<Buffer, Buffer>

/** A row as it stands in its table. `version` changes with every write of the row, and 0 says there is none. */
export interface Versioned {
  readonly version: number
  readonly fields: readonly unknown[] | undefined
}

/** One condition of a write: the row must still have this version. */
export interface Expectation {
  /** @default the table of the call */
  readonly table?: Table
  readonly key: Buffer
  readonly version: number
}

/** One lmdb environment: a file, its tables, and transactions over all of them. */
export interface Environment {
  readonly options: ResolvedDurableOptions
  readonly rows: RowCodec
  /** With versions: its rows can be expected in {@link swap}. */
  table(name: string, versions: boolean): Table
  /** The newest committed row, of whichever process. */
  read(table: Table, key: Buffer, what: string): Versioned
  /** The row as of the last {@link refresh}, or newer. */
  readNow(table: Table, key: Buffer, what: string): Versioned
  /** Brings reads up to what other processes have committed. */
  refresh(): void
  /** As {@link swap}, without deadline: for those who group writes. Rejects with a `StoreError`. */
  submit(table: Table, expected: readonly Expectation[], write: () => void): Promise<boolean>
  /** Everything that `write` submits is committed in one transaction. Resolves then; rejects with a `StoreError`. */
  together(write: () => void): Promise<void>
  /**
   * In one transaction: looks whether every row still has its version, and if so makes the writes of `write`. False: it did not.
   * Resolves at the level of the environment. Swaps asked for while a commit is under way share the next one.
   */
  swap(table: Table, expected: readonly Expectation[], write: () => void): Promise<boolean>
  /** Throws CLOSED after `close`. */
  check(): void
  /** What `close` waits for, up to its deadline, before it closes the file. */
  beforeClose(work: () => Promise<void>): void
  close(): Promise<void>
}

/** Opens it. Throws `StoreError` STORE_ACCESS, STORE_BROKEN, STORE_NEWER or STORE_FULL; what is there is left untouched. */
export async function openEnvironment(options: ResolvedDurableOptions): Promise<Environment> {
  const { path, timeoutMs, clock } = options
  const rows = createRowCodec()
  const encoding = 'binary'
  const root = await openLmdb(options)
  let closed = false
  let failed = false
  const late = new LateWrites(clock, timeoutMs / LOOKS_AGAIN)
  const clearReaders = clearDeadReaders(clock, () => void root.readerCheck())
  const closing: (() => Promise<void>)[] = []

  const environment: Environment = {
    options,
    rows,
    table: (name, useVersions) => root.openDB<Buffer, Buffer>(name, { encoding, keyEncoding: encoding, cache: false, useVersions }),
    refresh: () => root.resetReadTxn(),
    read(table, key, what) {
      environment.refresh()
      return environment.readNow(table, key, what)
    },
    readNow(table, key, what) {
      const entry = guarded(environment, () => table.getEntry(key))
      return entry === undefined
        ? { version: 0, fields: undefined }
        : { version: entry.version ?? 0, fields: rows.read(entry.value, what, key) }
    },
    submit(table, expected, write) {
      const [only] = expected
      // Conditions within conditions, in one transaction: only the innermost writes, so it is all or none. Called at once, in order.
      const held: Promise<boolean>[] = []
      const step = (at: number): void => {
        const each = expected[at]
        if (each === undefined) write()
        else held.push(condition(table, each, () => step(at + 1)))
      }
      const fail = async (error: unknown): Promise<never> => {
        failed = true
        throw await commitFailure(error, clock, path)
      }
      try {
        clearReaders()
        if (only !== undefined && expected.length === 1) return late.follow(condition(table, only, write)).then(undefined, fail)
        step(0)
      } catch (error) {
        return fail(error)
      }
      return late.follow(Promise.all(held)).then((each) => each.every(Boolean), fail)
    },
    async together(write) {
      try {
        clearReaders()
        await late.follow(root.batch(write))
      } catch (error) {
        failed = true
        throw await commitFailure(error, clock, path)
      }
    },
    async swap(table, expected, write) {
      try {
        return await withDeadline(environment.submit(table, expected, write), clock, timeoutMs, `a write to ${path}`)
      } catch (error) {
        failed = true
        throw diskError(error, path)
      }
    },
    check() {
      if (closed) throw new StoreError('CLOSED', `the store at ${path} is closed`)
    },
    beforeClose: (work) => void closing.push(work),
    async close() {
      if (closed) return
      closed = true
      const finished = withDeadline(Promise.all(closing.map((work) => work())), clock, failed ? 100 : timeoutMs, `closing ${path}`)
      // What is still under way, because another process holds the lock, uses the file: then it is left open until the process ends.
      const unfinished = await finished.then(
        () => false,
        () => true,
      )
      late.close()
      if (unfinished) return
      // The level was promised with each write, so there is nothing to wait for but the file.
      const over = withDeadline(root.close(), clock, failed ? 100 : timeoutMs, `closing ${path}`)
      // After a commit that failed lmdb waits for ever for the next one. Nothing acknowledged is in memory only.
      await (failed ? over.catch(() => undefined) : over)
    },
  }

  try {
    await claimSchema(environment, root, path)
  } catch (error) {
    await environment.close()
    throw error
  }
  return environment
}

/** A write inside a {@link Environment.swap}: its own promise says nothing more than the swap's, but would reject unheard. */
export function quietly(write: Promise<boolean>): void {
  write.catch(() => undefined)
}

function condition(of: Table, { table = of, key, version }: Expectation, action: () => void): Promise<boolean> {
  return version === 0 ? table.ifNoExists(key, action) : table.ifVersion(key, version, action)
}

/** Throws STORE_ACCESS where the tables of a file, and no schema version among them, show that it is of another program. */
export function refuseForeign(names: readonly string[], schema: unknown, path: string): void {
  // Whoever was killed when it began the file may have left this table, empty.
  const others = names.filter((name) => name !== 'meta')
  if (schema !== undefined || others.length === 0) return
  const found = `${quote(others[0])}${others.length > 1 ? ` and ${others.length - 1} more` : ''}`
  throw new StoreError('STORE_ACCESS', `${path} has the database of another program, with ${found} in it: give a directory of its own`)
}

async function claimSchema(environment: Environment, root: RootDatabase<Buffer, Buffer>, path: string): Promise<void> {
  environment.refresh()
  const names = tableNames(root)
  if (!names.includes('meta')) refuseForeign(names, undefined, path)
  const table = environment.table('meta', true)
  const key = Buffer.from('schema_version')
  const row = environment.rows.pack([DURABLE_SCHEMA_VERSION], key)
  for (;;) {
    const { version, fields } = environment.read(table, key, `the schema version of ${path}`)
    refuseForeign(names, fields, path)
    const found = fields?.[0] ?? 0
    if (found === DURABLE_SCHEMA_VERSION) return
    if (typeof found !== 'number' || found > DURABLE_SCHEMA_VERSION) {
      const known = `this release knows ${DURABLE_SCHEMA_VERSION}`
      throw new StoreError('STORE_NEWER', `the store at ${path} has schema version ${String(found)}; ${known}`)
    }
    // Two processes may begin the same file: the loser finds what the winner wrote.
    await environment.swap(table, [{ key, version }], () => quietly(table.put(key, row, version + 1)))
  }
}
