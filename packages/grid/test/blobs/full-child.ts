// Puts a blob larger than the limit on files; prints the code of the error it met, and how many blobs there are.
import { createBlobs, createDiskBytes, createMemoryTags } from '@stigmergy/grid/blobs'
import { isStoreError } from '@stigmergy/grid/store'

const blobs = createBlobs(createDiskBytes({ path: process.argv[2] ?? '' }), createMemoryTags())
// Without a listener the signal of a file that grew too large would end the process; a full disk has none.
process.on('SIGXFSZ', () => undefined)
let code = 'written'
try {
  await blobs.put(Buffer.alloc(4_000_000))
} catch (error) {
  code = isStoreError(error) ? error.code : String(error)
}
let count = 0
for await (const blob of blobs.list()) count += blob.size > 0 ? 1 : 0
console.log(code, count)
