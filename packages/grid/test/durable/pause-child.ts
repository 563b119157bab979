import { openDurable } from '@stigmergy/grid/durable'
import { contend } from './contend.ts'

const [path = '', owner = ''] = process.argv.slice(2)
const durable = await openDurable({ path })
await contend(durable.authority({ pollMs: 5 }), durable.store, owner, 150)
