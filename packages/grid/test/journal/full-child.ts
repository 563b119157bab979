// Appends until it is refused; prints the code, how many appends were acknowledged, and how many records it can still read.
import { openDurable } from '@stigmergy/grid/durable'
import { isStoreError } from '@stigmergy/grid/store'

const durable = await openDurable({ path: process.argv[2] ?? '', timeoutMs: 5000 })
const journal = durable.journal('audit')
let acknowledged = 0
try {
  for (;;) {
    await journal.append('p', acknowledged + 1, Buffer.alloc(1000, acknowledged))
    acknowledged += 1
  }
} catch (error) {
  let readable = 0
  for (let records = await journal.read(0); records.length > 0; records = await journal.read(readable)) readable += records.length
  console.log(isStoreError(error) ? error.code : String(error), acknowledged, readable)
}
await journal.close()
await durable.close()
