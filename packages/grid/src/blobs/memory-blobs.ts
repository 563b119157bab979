import type { Clock } from '../time/clock.ts'
import type { BlobBytes, TagTable } from './ports.ts'

/** Blobs in this process's memory, gone with it: for tests, and what the real ones are compared with. Their level is `none`. */
export function createMemoryBytes(clock: Pick<Clock, 'now'> = performance): BlobBytes {
  const blobs = new Map<string, { readonly bytes: Uint8Array; readonly atMs: number; aside: object | undefined }>()
  return {
    level: 'none',
    async begin() {
      const chunks: Uint8Array[] = []
      return {
        async write(chunk) {
          chunks.push(Uint8Array.from(chunk))
        },
        async finish(id) {
          blobs.set(id, { bytes: Buffer.concat(chunks), atMs: clock.now(), aside: undefined })
        },
        async abort() {
          chunks.length = 0
        },
      }
    },
    async open(id) {
      const blob = blobs.get(id)
      return blob && chunksOf(blob.bytes)
    },
    size: async (id) => blobs.get(id)?.bytes.length,
    async *list() {
      for (const [id, { bytes }] of [...blobs]) yield { id, size: bytes.length }
    },
    async keep(id) {
      const blob = blobs.get(id)
      if (blob !== undefined) blob.aside = undefined
      return blob !== undefined
    },
    async setAside(id, graceMs) {
      const blob = blobs.get(id)
      if (blob === undefined || clock.now() - blob.atMs < graceMs) return undefined
      blob.aside = {}
      return blob.aside
    },
    async restore(id, aside) {
      const blob = blobs.get(id)
      if (blob !== undefined && blob.aside === aside) blob.aside = undefined
    },
    async discard(id, aside) {
      if (blobs.get(id)?.aside === aside) blobs.delete(id)
    },
    clean: async () => undefined,
  }
}

async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 65_536) yield new Uint8Array(bytes.subarray(at, at + 65_536))
}

/** Tags in this process's memory. */
export function createMemoryTags(): TagTable {
  const tags = new Map<string, { readonly name: string; readonly version: string; readonly id: string; readonly mark: string }>()
  let writes = 0
  return {
    async read(name, version) {
      const { mark, id } = tags.get(`${name}@${version}`) ?? {}
      return { mark, id }
    },
    async swap(name, version, mark, id) {
      const key = `${name}@${version}`
      if (tags.get(key)?.mark !== mark) return false
      writes += 1
      if (id === undefined) tags.delete(key)
      else tags.set(key, { name, version, id, mark: String(writes) })
      return true
    },
    async *list(name) {
      for (const tag of [...tags.values()])
        if (name === undefined || tag.name === name) yield { name: tag.name, version: tag.version, id: tag.id }
    },
  }
}
