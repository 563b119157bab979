import type { ObjectBucket } from '@stigmergy/grid/s3'

/** A bucket in memory, for what must be watched call by call. The real one is in the conformance tests. */
export function createMemoryBucket(): ObjectBucket & { readonly calls: string[]; readonly objects: Map<string, Uint8Array> } {
  const objects = new Map<string, Uint8Array>()
  const tags = new Map<string, string>()
  const calls: string[] = []
  let writes = 0
  return {
    place: 'memory',
    calls,
    objects,
    async get(key) {
      calls.push(`get ${key}`)
      const bytes = objects.get(key)
      return bytes && { etag: tags.get(key) ?? '', bytes }
    },
    async put(key, bytes, { ifMatch, ifAbsent } = {}) {
      calls.push(`put ${key}`)
      if (ifAbsent === true && objects.has(key)) return undefined
      if (ifMatch !== undefined && tags.get(key) !== ifMatch) return undefined
      objects.set(key, bytes)
      tags.set(key, `"${++writes}"`)
      return tags.get(key)
    },
    async delete(key) {
      objects.delete(key)
    },
    async list({ prefix, after = '', limit = 1000 }) {
      const keys = [...objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort()
      return {
        objects: keys.slice(0, limit).map((key) => ({ key, size: objects.get(key)?.length ?? 0, modifiedMs: 0 })),
        more: keys.length > limit,
      }
    },
  }
}
