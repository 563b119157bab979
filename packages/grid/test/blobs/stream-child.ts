// Streams so many megabytes in and out, and tells how much memory that took beyond a run of 4 MB.
import { openDurable } from '@stigmergy/grid/durable'
import { connectBucket, openS3Blobs } from '@stigmergy/grid/s3'
import { createHash } from 'node:crypto'
import type { Login } from '../s3/server.ts'

const [path = '', megabytes = '64', login] = process.argv.slice(2)
const durable = await openDurable({ path })
const opened =
  login === undefined
    ? durable.blobs
    : await openS3Blobs({
        bucket: await connectBucket({ ...(JSON.parse(login) as Login), requestMs: 60_000 }),
        prefix: 'stream/',
        timeoutMs: 60_000,
      })

async function* content(count: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < count; at++) {
    const chunk = Buffer.alloc(1024 * 1024, at % 251)
    chunk.writeUInt32BE(at)
    yield chunk
  }
}

async function run(count: number): Promise<boolean> {
  const { id, size } = await opened.put(content(count))
  const hash = createHash('sha256')
  let bytes = 0
  for await (const chunk of opened.read(id)) {
    hash.update(chunk)
    bytes += chunk.length
  }
  return hash.digest('hex') === id && bytes === size && size === count * 1024 * 1024
}

const warm = await run(4)
const before = process.resourceUsage().maxRSS
const done = await run(Number(megabytes))
console.log(warm && done, (process.resourceUsage().maxRSS - before) * 1024)
await opened.close()
await durable.close()
