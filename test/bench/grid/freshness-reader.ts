// The other process of the freshness bench: notes how long each change took to reach it, by our watch, by the client's listener and by Redis.
import { createClient } from '@redis/client'
import { openGrid } from '@stigmergy/grid'
import { hazelcast } from '@stigmergy/grid/hazelcast'
import { machineNow } from '@stigmergy/grid/testing'
import { Client } from 'hazelcast-client'
import { rawConfig } from './raw-client.ts'
import { CHANNEL, type Stamped } from './stamped.ts'

const [redisUrl = '', clusterName = '', ...members] = process.argv.slice(2)
const grid = await openGrid(hazelcast({ clusterName, members }))
const watched = grid.map<Stamped>('fresh')
await watched.caughtUp()
const client = await Client.newHazelcastClient(rawConfig(clusterName, members))
const raw = await client.getMap<string, Stamped>('fresh-raw')

let latencies: number[] = []
const hear = (value: Stamped): void => void latencies.push(machineNow() - value.at)
watched.watch((change) => {
  if (change.type === 'put') hear(change.entry.value)
})
const listen = ({ value }: { readonly value: Stamped }): void => hear(value)
await raw.addEntryListener({ added: listen, updated: listen }, undefined, true)
if (redisUrl !== '') {
  const redis = await createClient({ url: redisUrl }).connect()
  await redis.subscribe(CHANNEL, (text) => hear(JSON.parse(text) as Stamped))
}

process.on('message', () => {
  process.send?.(latencies)
  latencies = []
})
process.on('disconnect', () => process.exit())
process.send?.('ready')
