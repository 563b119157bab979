// Every plan is kept: versioned, with the trace of the reading that led to it, in a store and as a blob. Add S3_ENDPOINT,
// S3_BUCKET, S3_ACCESS_KEY and S3_SECRET_KEY, and the blobs are objects in that bucket instead of files.
import { createSystem, type MapEvent } from '@stigmergy/core'
import { openGrid } from '@stigmergy/grid'
import { openAudit } from '@stigmergy/grid/audit'
import { openDurable } from '@stigmergy/grid/durable'
import { connectBucket, openS3Blobs } from '@stigmergy/grid/s3'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMachine } from 'xstate'

type Part = { metres: number }

const { S3_ENDPOINT: endpoint, S3_BUCKET: bucket = '', S3_ACCESS_KEY: accessKeyId = '', S3_SECRET_KEY: secretAccessKey = '' } = process.env
const path = await mkdtemp(join(tmpdir(), 'plan-audit-'))
const durable = await openDurable({ path })
const blobs =
  endpoint === undefined
    ? durable.blobs
    : await openS3Blobs({ bucket: await connectBucket({ endpoint, bucket, accessKeyId, secretAccessKey }), prefix: `${Date.now()}/` })

// Only who holds the lease may plan; the fence goes with every plan.
const authority = durable.authority()
const lease = await authority.acquire('planner', 'host-1', 5000)
const audit = openAudit({ store: durable.store, blobs, fence: lease?.fence ?? { owner: 'nobody', token: 0 } })

const grid = await openGrid()
const parts = grid.map<Part>('parts')
const planner = createMachine({
  id: 'planner',
  types: {} as { events: MapEvent<'parts', Part> },
  on: {
    'parts.put': {
      actions: ({ event }) => {
        const plan = { take: event.key, with: event.value.metres < 1 ? 'robot-1' : 'robot-2' }
        audit.record('cell-7', plan, { trace: event.entry.trace }).catch(console.error)
      },
    },
  },
})
const system = createSystem({ grid })
await system.spawn(planner, { watch: { parts } })

const trace = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7', traceFlags: 1 }
await parts.put('part-1', { metres: 0.4 }, { trace })
await parts.put('part-2', { metres: 1.7 }, { trace })
await system.close()
await audit.close()

const kept = await audit.read('cell-7', 2)
console.log(`version ${kept?.version}: ${JSON.stringify(kept?.document)}`) // → version 2: {"take":"part-2","with":"robot-2"}
console.log(`of trace ${kept?.trace?.traceId}`) // → of trace 4bf92f3577b34da6a3ce929d0e0e4736
console.log(`blobs: ${(await blobs.tags('audit/cell-7')).map(({ version }) => version).join(', ')}`) // → blobs: 1.0.0, 2.0.0

for (const each of [grid, authority, blobs, durable]) await each.close()
await rm(path, { recursive: true })
