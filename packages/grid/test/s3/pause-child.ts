import { connectBucket, openS3 } from '@stigmergy/grid/s3'
import { contend } from '../durable/contend.ts'
import type { Login } from './server.ts'

const [login = '', owner = ''] = process.argv.slice(2)
const durable = await openS3({ bucket: await connectBucket(JSON.parse(login) as Login) })
await contend(durable.authority({ pollMs: 20 }), durable.store, owner, 300)
