// Uses the grid where the package lmdb is missing: all of it but directories.
import { embedded, openGrid } from '@stigmergy/grid'
import { openDurable } from '@stigmergy/grid/durable'
import { isStoreError } from '@stigmergy/grid/store'

const told = (error: unknown): string => (isStoreError(error) ? `${error.code}: ${error.message}` : String(error))
const grid = await openGrid(embedded())
await grid.map<number>('m').put('k', 1)
console.log(grid.map<number>('m').peek('k')?.value)
await grid.close()
const path = process.argv[2] ?? ''
await openGrid(embedded({ path })).catch((error: unknown) => console.log(told(error)))
await openDurable({ path }).catch((error: unknown) => console.log(told(error)))
