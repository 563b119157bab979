// A map that outlives its grid: one keeper, by its fence, stores what changes; the next grid is filled from there.
import { openGrid } from '@stigmergy/grid'
import { createReadThrough, createWriteBehind } from '@stigmergy/grid/keep'
import { createAuthority, createMemoryLeases, createMemoryStore } from '@stigmergy/grid/store'

const store = createMemoryStore() // in earnest: openDurable({ path }).store, or openS3({ bucket }).store
const authority = createAuthority(createMemoryLeases()) // and their authority()

const grid = await openGrid()
const parts = grid.map<{ x: number }>('parts')
const lease = await authority.acquire('keeper of parts', grid.id, 10_000)
if (lease === undefined) throw new Error('another process keeps the parts')
const keeper = createWriteBehind(parts, { store, fence: lease.fence })

for (let x = 0; x < 1000; x++) await parts.put('gear', { x })
await parts.put('shaft', { x: 7 })
await keeper.flush()
console.log(keeper.stats().dirty) // → 0

await keeper.close()
await authority.release(lease)
await grid.close() // the memory is gone

const next = await openGrid()
const again = next.map<{ x: number }>('parts')
const stored = createReadThrough(again, { store })
console.log((await stored.get('gear'))?.value.x) // → 999
console.log(await stored.refill(), again.size) // → 1 2

await next.close()
await authority.close()
