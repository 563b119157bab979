import type { TagTable } from '../blobs/ports.ts'
import { readOr } from '../store/tell-broken.ts'
import { quietly, type Environment } from './environment.ts'
import { guardedRange } from './guarded.ts'

/** Tags of blobs in an lmdb environment, under `name NUL version`. */
export function createLmdbTags(environment: Environment): TagTable {
  const { rows } = environment
  const table = environment.table('tags', true)
  const keyOf = (name: string, version: string): Buffer => Buffer.from(`${name}\0${version}`)

  return {
    async read(name, version) {
      environment.check()
      const { version: mark, fields } = environment.read(table, keyOf(name, version), `tag ${name}@${version}`)
      return { mark: mark === 0 ? undefined : String(mark), id: (fields?.[0] ?? undefined) as string | undefined }
    },
    async swap(name, version, mark, id) {
      environment.check()
      const key = keyOf(name, version)
      const expected = Number(mark ?? 0)
      // A removed tag leaves its row, so that no mark comes twice.
      return environment.swap(table, [{ key, version: expected }], () => quietly(table.put(key, rows.pack([id ?? null]), expected + 1)))
    },
    async *list(name, broken) {
      environment.check()
      environment.refresh()
      const range = name === undefined ? {} : { start: keyOf(name, ''), end: Buffer.concat([keyOf(name, ''), LAST]) }
      for (const { key, value } of guardedRange(environment, () => table.getRange(range))) {
        const [of = '', version = ''] = key.toString().split('\0')
        const what = `tag ${of}@${version}`
        const [id] = (readOr(broken, what, () => rows.read(value, what)) ?? [null]) as [string | null]
        if (id !== null) yield { name: of, version, id }
        // Before the next step, which a closed file no longer has.
        environment.check()
      }
    },
  }
}

// No version begins with such a byte.
const LAST = Buffer.from([0xff])
