// Appends and puts blobs without end until it is killed, and tells what was acknowledged on standard output.
import { archiveInBlobs } from '@stigmergy/grid/blobs'
import { openDurable } from '@stigmergy/grid/durable'
import { tell } from '../durable/tell.ts'

for await (const go of process.stdin) void go
const [path = '', round = '0'] = process.argv.slice(2)
const durable = await openDurable({ path })
const journal = durable.journal('audit', { archive: archiveInBlobs(durable.blobs), hotRecords: 64, segmentRecords: 32 })

async function append(producer: string): Promise<void> {
  for (let seq = (await journal.lastSeq(producer)) + 1; ; seq++) {
    await journal.append(producer, seq, Buffer.alloc(1 + (seq % 900), seq))
    tell(`record ${producer} ${seq}`)
  }
}

async function putBlobs(): Promise<void> {
  for (let patch = 0; ; patch++) {
    const version = `0.${round}.${patch}`
    const { id } = await durable.blobs.put(Buffer.alloc(1 + ((patch * 7919) % 400_000), version))
    await durable.blobs.tag('policy', version, id)
    tell(`blob ${version} ${id}`)
  }
}

await Promise.all([append('a'), append('b'), putBlobs()])
