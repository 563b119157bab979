// Puts until it is refused; prints the code, how many puts were acknowledged, and what a strong read gives then.
import { embedded, openGrid } from '@stigmergy/grid'
import { isStoreError } from '@stigmergy/grid/store'

const grid = await openGrid(embedded({ path: process.argv[2] ?? '', timeoutMs: 5000 }))
const map = grid.map<{ readonly n: number; readonly pad: Uint8Array }>('m')
let acknowledged = 0
try {
  for (;;) {
    await map.put('k', { n: acknowledged + 1, pad: new Uint8Array(3000) })
    await map.put(`k${acknowledged}`, { n: 0, pad: new Uint8Array(9000) })
    acknowledged += 1
  }
} catch (error) {
  const held = (await map.get('k', { consistency: 'strong' }))?.value.n ?? 0
  console.log(isStoreError(error) ? error.code : String(error), acknowledged, held)
}
await grid.close()
