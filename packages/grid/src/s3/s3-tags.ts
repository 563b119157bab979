import type { TagTable } from '../blobs/ports.ts'
import type { BlobTag } from '../blobs/blobs.ts'
import { toldOr, type TellBroken } from '../store/tell-broken.ts'
import { idOf, keyOf, prefixOf } from './keys.ts'
import { listAll } from './list-all.ts'
import type { Operations } from '../store/operations.ts'
import type { ResolvedS3Options } from './options.ts'
import type { Register, Seen } from './register.ts'

/** So many tags are read at a time when they are listed. */
const AT_A_TIME = 16

/** Tags of blobs as objects, one each: compare-and-set by conditional PUT. A removed tag leaves an object that says so. */
export function createS3Tags({ bucket, prefix }: ResolvedS3Options, register: Register, operations: Operations): TagTable {
  const folder = `${prefix}tags/`
  const keyFor = (name: string, version: string): string => keyOf(folder, `${name}\0${version}`)
  const look = (key: string): Promise<Seen> => operations.run(`a read of ${key}`, (signal) => register.read(key, signal))
  const toId = ({ fields }: Seen): string | undefined => (fields?.[0] ?? undefined) as string | undefined

  return {
    async read(name, version) {
      const mark = await look(keyFor(name, version))
      return { mark, id: toId(mark) }
    },
    swap: (name, version, mark, id) =>
      operations.run(`a write of tag ${name}@${version}`, async (signal) => {
        const { swapped } = await register.swap(keyFor(name, version), mark as Seen, [id ?? null], signal)
        return swapped
      }),
    async *list(name, broken) {
      const wanted = name === undefined ? folder : prefixOf(folder, `${name}\0`)
      for await (const page of listAll(bucket, operations, wanted)) {
        for (let at = 0; at < page.length; at += AT_A_TIME) {
          const tags = await Promise.all(page.slice(at, at + AT_A_TIME).map(({ key }) => tagAt(key, broken)))
          for (const tag of tags) if (tag !== undefined && (name === undefined || tag.name === name)) yield tag
        }
      }
    },
  }

  async function tagAt(key: string, broken: TellBroken | undefined): Promise<BlobTag | undefined> {
    const [name, version] = idOf(folder, key)?.split('\0') ?? []
    if (name === undefined || version === undefined) return undefined
    const id = await look(key).then(toId, (error: unknown) => toldOr(broken, `tag ${name}@${version}`, error))
    return id === undefined ? undefined : { name, version, id }
  }
}
