// Puts blobs without end, beside each other; where it tags them as well, collections run all the time. Tells what is acknowledged.
import { createBlobs, createDiskBytes, createMemoryTags } from '@stigmergy/grid/blobs'
import { isStoreError } from '@stigmergy/grid/store'
import { tell } from '../../durable/tell.ts'
import { createRandom } from '../../random.ts'

const [path = '', level = 'host', mode = 'put', seed = '1'] = process.argv.slice(2)
const blobs = createBlobs(createDiskBytes({ path, level: level as 'host' | 'process' }), createMemoryTags())
const random = createRandom(Number(seed))

async function* content(): AsyncGenerator<Buffer> {
  // A few of them come again and again.
  const fill = Math.floor(random() * 300)
  for (let at = 0; at <= fill % 3; at++) yield Buffer.alloc(1 + ((fill * 37) % 6000), `${fill} `)
}

async function worker(name: string): Promise<void> {
  for (let turn = 1; ; turn++) {
    const { id } = await blobs.put(content())
    if (mode === 'put') tell(`there ${id}`)
    else {
      try {
        await blobs.tag(name, `${turn}.0.0`, id)
      } catch (error) {
        if (isStoreError(error, 'BLOB_MISSING')) continue
        throw error
      }
      tell(`there ${id} ${name} ${turn}`)
      if (random() < 0.7) {
        tell(`gone ${id} ${name} ${turn}`)
        await blobs.untag(name, `${turn}.0.0`, id)
      }
    }
  }
}

async function collector(): Promise<void> {
  while (mode !== 'put') await blobs.collect({ graceMs: 0 })
}

await Promise.all([worker('a'), worker('b'), worker('c'), collector(), collector()])
