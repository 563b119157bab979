import type { TagTable } from '../blobs/ports.ts'
import { readOr } from '../store/tell-broken.ts'
import { quietly, type Environment } from './environment.ts'
import { inParts } from './guarded.ts'

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
      return environment.swap(table, [{ key, version: expected }], () =>
        quietly(table.put(key, rows.pack([id ?? null], key), expected + 1)),
      )
    },
    async *list(name, broken) {
      const [start, end] = name === undefined ? [Buffer.alloc(1), LAST] : [keyOf(name, ''), Buffer.concat([keyOf(name, ''), LAST])]
      const tags = inParts(
        environment,
        start,
        (range) => table.getRange({ ...range, end }),
        ({ key, value }) => {
          const [of = '', version = ''] = key.toString().split('\0')
          const what = `tag ${of}@${version}`
          const [id] = (readOr(broken, what, () => rows.read(value, what, key)) ?? [null]) as [string | null]
          return { key: Buffer.from(key), found: { name: of, version, id } }
        },
      )
      for (const { id, ...tag } of tags) if (id !== null) yield { ...tag, id }
    },
  }
}

// No version begins with such a byte.
const LAST = Buffer.from([0xff])
