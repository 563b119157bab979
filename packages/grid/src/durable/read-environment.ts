import type { RootDatabase } from 'lmdb'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { StoreError } from '../store/errors.ts'
import { createRowCodec } from '../store/row.ts'
import { diskError } from './disk-errors.ts'
import { DURABLE_SCHEMA_VERSION, refuseForeign, type Environment, type Table } from './environment.ts'
import { guarded } from './guarded.ts'
import { loadLmdb } from './load-lmdb.ts'
import { checked, tableNames } from './open-lmdb.ts'
import type { CheckPages } from './check-pages.ts'
import { resolveDurableOptions } from './options.ts'
import { preflight } from './preflight.ts'

/** An environment that only looks: another process may write beside it. */
export interface ReadEnvironment extends Environment {
  readonly schemaVersion: number
  /** Of the file. */
  readonly bytes: number
  readonly tables: readonly string[]
}

const encoding = 'binary'
const raw = { encoding, keyEncoding: encoding, cache: false } as const

/**
 * Opens what is there for reading. The data are left untouched; lmdb notes each reader in the file `lock.mdb`, so that a writer keeps what
 * it looks at. Throws `StoreError` STORE_ACCESS, STORE_BROKEN or STORE_NEWER.
 */
export async function openReadEnvironment(path: string, checkPages?: CheckPages): Promise<ReadEnvironment> {
  const options = resolveDurableOptions({ path, ...(checkPages !== undefined && { checkPages }) })
  const file = join(path, 'data.mdb')
  const lmdb = await loadLmdb()
  let root: RootDatabase<Buffer, Buffer>
  let bytes: number
  try {
    const before = await preflight(path, options.checkPages, true)
    if (before.goesBack)
      throw new StoreError('STORE_ACCESS', `${file} is as a power cut has left it: let a program open it for writing first`)
    bytes = (await stat(file)).size
    if (bytes === 0) throw new StoreError('STORE_BROKEN', `${file} is empty: whoever began it was killed before it had written anything`)
    root = lmdb.open<Buffer, Buffer>({ path, noSubdir: false, readOnly: true, maxDbs: 32, ...raw })
    await checked(root, before)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      throw new StoreError('STORE_ACCESS', `there is no store at ${path}`, { cause: error })
    throw diskError(error, path)
  }
  const rows = createRowCodec()
  let closed = false
  const refuse = (): StoreError => new StoreError('STORE_ACCESS', `the store at ${path} is open for reading only`)

  const environment: Omit<ReadEnvironment, 'schemaVersion'> = {
    options,
    rows,
    bytes,
    tables: tableNames(root),
    table: (name, useVersions) =>
      environment.tables.includes(name) ? root.openDB<Buffer, Buffer>(name, { ...raw, useVersions }) : NO_TABLE,
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
    submit: () => Promise.reject(refuse()),
    together: () => Promise.reject(refuse()),
    swap: () => Promise.reject(refuse()),
    check() {
      if (closed) throw new StoreError('CLOSED', `the store at ${path} is closed`)
    },
    beforeClose: () => undefined,
    async close() {
      if (closed) return
      closed = true
      await root.close()
    },
  }

  try {
    const { fields } = environment.read(environment.table('meta', true), Buffer.from('schema_version'), `the schema version of ${path}`)
    refuseForeign(environment.tables, fields, path)
    const schemaVersion = Number(fields?.[0] ?? 0)
    if (schemaVersion <= DURABLE_SCHEMA_VERSION) return { ...environment, schemaVersion }
    throw new StoreError(
      'STORE_NEWER',
      `the store at ${path} has schema version ${schemaVersion}; this release knows ${DURABLE_SCHEMA_VERSION}`,
    )
  } catch (error) {
    await environment.close()
    throw diskError(error, path)
  }
}

/** Stands for a table that nobody has begun yet: a reader may not make it. */
const NO_TABLE: Table = {
  getEntry: () => undefined,
  get: () => undefined,
  getBinary: () => undefined,
  getKeys: () => [],
  getRange: () => [],
} as unknown as Table
