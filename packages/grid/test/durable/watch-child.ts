// A process that watches the map `parts` of a directory and tells each change on standard output.
import { embedded, openGrid } from '@stigmergy/grid'
import { writeSync } from 'node:fs'

const grid = await openGrid(embedded({ path: process.argv[2] ?? '', pollMs: 10 }))
const parts = grid.map<number>('parts')
parts.watch((change) => {
  const { type } = change
  if (type === 'put') writeSync(1, `put ${change.entry.value}\n`)
  else if (type === 'resync') writeSync(1, `resync ${change.reason} ${change.entries.get('k')?.value}\n`)
  else writeSync(1, `${type}\n`)
})
writeSync(1, 'open\n')
