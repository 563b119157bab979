// Streams so many megabytes in and out, and tells how much memory that took beyond a run of 4 MB.
import { openDurable } from '@stigmergy/grid/durable'
import { createHash } from 'node:crypto'

const [path = '', megabytes = '64'] = process.argv.slice(2)
const durable = await openDurable({ path })

async function* content(count: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < count; at++) {
    const chunk = Buffer.alloc(1024 * 1024, at % 251)
    chunk.writeUInt32BE(at)
    yield chunk
  }
}

async function run(count: number): Promise<boolean> {
  const { id, size } = await durable.blobs.put(content(count))
  const hash = createHash('sha256')
  let bytes = 0
  for await (const chunk of durable.blobs.read(id)) {
    hash.update(chunk)
    bytes += chunk.length
  }
  return hash.digest('hex') === id && bytes === size && size === count * 1024 * 1024
}

const warm = await run(4)
const before = process.resourceUsage().maxRSS
const done = await run(Number(megabytes))
console.log(warm && done, (process.resourceUsage().maxRSS - before) * 1024)
await durable.close()
