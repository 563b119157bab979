import { connectBucket, openS3, openS3Blobs } from '@stigmergy/grid/s3'
import { readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { findVersitygw, startVersitygw } from '../../../test/components/versitygw.ts'
import { needs } from '../../../test/runner/needs.ts'
import { fence, run } from './kit.ts'

const test = suite('stigmergy grid on S3')
const program = await findVersitygw()
const onServer = needs(test, 'Go, to build versitygw', program !== undefined)

onServer('the commands look into a bucket and write nothing there', async () => {
  const server = await startVersitygw(program ?? '')
  try {
    const { endpoint, bucket: name, accessKeyId, secretAccessKey, region } = server
    const bucket = await connectBucket({ endpoint, bucket: name, accessKeyId, secretAccessKey, region })
    const s3 = await openS3({ bucket, prefix: 'cell-7/' })
    const blobs = await openS3Blobs({ bucket, prefix: 'cell-7/' })
    await s3.store.commit('robot-1', 0, fence, Buffer.from('{"x":1}'))
    await s3.store.commit('robot-2', 0, fence, Buffer.from('{"x":2}'))
    const authority = s3.authority()
    await authority.acquire('planner', 'host-1', 60_000)
    const { id } = await blobs.put(Buffer.from('weights'))
    await blobs.tag('policy', '2.3.1', id)

    const env = { AWS_ENDPOINT_URL: endpoint, AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey }
    const look = (...args: string[]) => run(['grid', ...args], undefined, env)
    const place = `s3://${name}/cell-7/`
    const objects = async (): Promise<readonly string[]> => (await readdir(join(server.root, name), { recursive: true })).toSorted()
    const before = await objects()
    const inspected = await look('inspect', place, '--json')
    assert.is(inspected.code, 0, inspected.err.join())
    const found = JSON.parse(inspected.out[0] ?? '') as { store: object; leases: object; journals: object; blobs: { count: number } }
    assert.equal([(found.store as { records: number }).records, found.blobs.count, found.journals], [2, 1, []])
    assert.equal(found.leases, [{ name: 'planner', owner: 'host-1', fence: 1, ttlMs: 60_000 }])
    assert.match((await look('inspect', place)).out[0] ?? '', /^s3:\/\/cell\/cell-7\/: schema version 1$/)
    assert.is((await look('get', place, 'robot-2')).out[1], '  {"x":2}')
    assert.is((await look('get', place, 'policy', '--blob')).bytes.toString(), 'weights')
    assert.equal((await look('verify', place)).out, [
      'read 2 records, 0 entries of maps, 0 records of journals, 1 blobs, 1 tags',
      'all is well',
    ])
    assert.equal(await objects(), before)

    await writeFile(join(server.root, name, 'cell-7', 'blobs', id), 'wEights')
    const damaged = await look('verify', place)
    assert.equal([damaged.code, damaged.out.at(-1)], [1, '1 damaged'])
    await rm(join(server.root, name, 'cell-7', 'blobs', id))
    assert.match((await look('verify', place)).out[1] ?? '', /^DAMAGED tag policy@2\.3\.1: there is no blob/)

    for (const [args, line] of [
      [['inspect', `s3://${name}/cell-8/`], /^there is no store at .* under "cell-8\/"$/],
      [['tail', place, 'decisions'], /^there is no journal "decisions"; there is none$/],
      [['inspect', 's3://nowhere/x'], /there is no such bucket/],
    ] as const) {
      const { code, err } = await look(...args)
      assert.is(code, 2)
      assert.match(err.join('\n'), line)
    }
    assert.is((await run(['grid', 'inspect', place], undefined, { ...env, AWS_SECRET_ACCESS_KEY: 'wrong' })).code, 2)
    await authority.close()
    await s3.close()
    await blobs.close()
  } finally {
    await server.stop()
  }
})

test.run()
