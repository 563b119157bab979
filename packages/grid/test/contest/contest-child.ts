// One process of a contest over `lmdb <path>`, `s3 <login>` or `cp <cluster, and the path of a store>`.
import { openDurable } from '@stigmergy/grid/durable'
import { openCpAuthority } from '@stigmergy/grid/hazelcast-cp'
import { connectBucket, openS3 } from '@stigmergy/grid/s3'
import type { Login } from '../s3/server.ts'
import { contest } from './contest.ts'

const [kind = '', place = '', owner = '', count = ''] = process.argv.slice(2)
const rounds = Number(count)
if (kind === 'lmdb') {
  const durable = await openDurable({ path: place })
  await contest(durable.authority(), durable.store, owner, rounds)
} else if (kind === 's3') {
  const durable = await openS3({ bucket: await connectBucket(JSON.parse(place) as Login) })
  await contest(durable.authority(), durable.store, owner, rounds)
} else {
  const { path, ...cluster } = JSON.parse(place) as {
    readonly path: string
    readonly clusterName: string
    readonly addresses: readonly string[]
  }
  const { connect } = await import('../hazelcast-cp/connect.ts')
  const client = await connect(cluster)
  await contest(await openCpAuthority({ client }), (await openDurable({ path })).store, owner, rounds)
  await client.shutdown()
}
