import { openDurable } from '@stigmergy/grid/durable'
import { openCpAuthority } from '@stigmergy/grid/hazelcast-cp'
import { contend } from '../durable/contend.ts'
import { connect } from './connect.ts'

const [clusterName = '', addresses = '', path = '', owner = ''] = process.argv.slice(2)
const client = await connect({ clusterName, addresses: addresses.split(',') })
const { store } = await openDurable({ path })
await contend(await openCpAuthority({ client, pollMs: 20 }), store, owner, 500)
