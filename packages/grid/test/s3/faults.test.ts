import { connectBucket, openS3, type ObjectBucket } from '@stigmergy/grid/s3'
import { createAuthority, isStoreError, StoreError, type StoreErrorCode } from '@stigmergy/grid/store'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { freePort } from '../../../../test/components/process.ts'
import { findVersitygw, startVersitygw, type Versitygw } from '../../../../test/components/versitygw.ts'
import { needs } from '../../../../test/runner/needs.ts'
import { md5Tag } from '../../src/s3/probe.ts'
import { createRowCodec } from '../../src/store/row.ts'
import { createMemoryBucket } from './memory-bucket.ts'
import { lossy, partsOf } from './places.ts'
import { loginOf, type Login } from './server.ts'

const test = suite('faults of S3')
const program = await findVersitygw()
const onServer = needs(test, 'Go, to build versitygw', program !== undefined)
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)
const ours = { owner: 'a', token: 1 }
const lost = (): Error => new StoreError('STORE_UNREACHABLE', 'the answer was lost')

async function refused(promise: Promise<unknown>, code: StoreErrorCode, text: string): Promise<void> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  assert.ok(isStoreError(error, code), `${code}, not ${String(error)}`)
  assert.match(error.message, text)
}

/** A server that answers like S3 but ignores one kind of condition, as some do. What it stores is in the real one behind it. */
async function careless(login: Login, ignores: readonly ('ifMatch' | 'ifAbsent')[]): Promise<{ readonly endpoint: string; close(): void }> {
  const behind = await connectBucket(login)
  const http = createServer((request, response) => {
    void (async () => {
      const key = decodeURIComponent((request.url ?? '').slice(login.bucket.length + 2))
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      const condition = {
        ...(request.headers['if-match'] !== undefined && { ifMatch: request.headers['if-match'] }),
        ...(request.headers['if-none-match'] !== undefined && { ifAbsent: true }),
      }
      for (const name of ignores) delete condition[name]
      if (request.method === 'PUT') {
        const etag = await behind.put(key, Buffer.concat(chunks), condition)
        response.writeHead(etag === undefined ? 412 : 200, etag === undefined ? {} : { etag }).end()
      } else if (request.method === 'GET') {
        const found = await behind.get(key)
        if (found === undefined) response.writeHead(404, { 'x-amz-error-code': 'NoSuchKey' }).end()
        else response.writeHead(200, { etag: found.etag }).end(found.bytes)
      } else {
        await behind.delete(key)
        response.writeHead(204).end()
      }
    })()
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const { port } = http.address() as AddressInfo
  return {
    endpoint: `http://127.0.0.1:${port}`,
    close: () => {
      http.close()
      http.closeAllConnections()
    },
  }
}

onServer('a server that ignores a condition is found at open and refused; one that keeps both is not', async () => {
  await using server: Versitygw = await startVersitygw(program as string)
  const login = loginOf(server)
  for (const [ignores, text] of [
    [['ifMatch'], 'ignores If-Match'],
    [['ifAbsent'], 'ignores If-None-Match'],
    [['ifMatch', 'ifAbsent'], 'ignores If-None-Match'],
    [[], ''],
  ] as const) {
    const shim = await careless(login, ignores)
    const opening = openS3({ bucket: await connectBucket({ ...login, endpoint: shim.endpoint }) })
    if (text === '') await (await opening).close()
    else await refused(opening, 'STORE_UNSUPPORTED', text)
    shim.close()
  }
})

onServer('wrong credentials, no bucket and a newer schema are told at open, and the store is left as it was', async () => {
  await using server: Versitygw = await startVersitygw(program as string)
  const login = loginOf(server)
  await refused(
    connectBucket({ ...login, secretAccessKey: 'wrong' }).then((bucket) => openS3({ bucket })),
    'STORE_ACCESS',
    'check the key',
  )
  await refused(
    connectBucket({ ...login, bucket: 'nothing' }).then((bucket) => openS3({ bucket })),
    'STORE_ACCESS',
    'no such bucket',
  )
  const bucket = await connectBucket(login)
  const newer = createRowCodec().pack([2])
  await bucket.put('newer/schema', newer)
  await refused(openS3({ bucket, prefix: 'newer/' }), 'STORE_NEWER', 'schema version 2; this release knows 1')
  assert.equal(Buffer.from((await bucket.get('newer/schema'))?.bytes ?? []), newer)
  await bucket.put('broken/schema', newer.subarray(0, -1))
  await refused(openS3({ bucket, prefix: 'broken/' }), 'STORE_BROKEN', 'damaged')
})

test('an endpoint that is down is told when the time is over, not before and not never', async () => {
  const bucket = await connectBucket({
    endpoint: `http://127.0.0.1:${await freePort()}`,
    bucket: 'cell',
    accessKeyId: 'a',
    secretAccessKey: 'b',
  })
  const begun = performance.now()
  await refused(openS3({ bucket, timeoutMs: 300 }), 'STORE_UNREACHABLE', 'ECONNREFUSED')
  assert.ok(performance.now() - begun >= 290)
})

onServer('a server that hangs is told when the time is over, and close waits no longer', async () => {
  await using server: Versitygw = await startVersitygw(program as string)
  const { store, close } = await openS3({ bucket: await connectBucket(loginOf(server)), timeoutMs: 300 })
  await server.process.pause()
  const calls = [store.get('x'), store.commit('x', 0, ours, bytes(1))].map((call) => refused(call, 'STORE_TIMEOUT', 'longer than 300 ms'))
  await close()
  await Promise.all(calls)
})

test('a commit whose answer was lost is found out: written, or not, but never twice', async () => {
  for (const when of ['before', 'after'] as const) {
    const memory = createMemoryBucket()
    let faults = 0
    const bucket = lossy(memory, (call, key) => (call === 'put' && key.includes('state/') && faults++ % 2 === 0 ? when : undefined), lost)
    const { store } = await openS3({ bucket })
    for (let rev = 0; rev < 20; rev++) assert.is(await store.commit('x', rev, ours, bytes(rev), [bytes(rev)]), rev + 1)
    assert.equal(
      (await store.revisions('x')).map(({ value }) => value[0]),
      [19, 18, 17, 16, 15],
    )
    assert.is((await store.outbox('x')).length, 20)
    await store.close()
  }
})

test('it is found out as well when others have written since, and told as unknown when too many have', async () => {
  for (const others of [1, 15, 16]) {
    const memory = createMemoryBucket()
    const other = (await openS3({ bucket: memory })).store
    let armed = true
    const bucket: ObjectBucket = {
      ...memory,
      async put(key, value, options) {
        const etag = await memory.put(key, value, options)
        if (!key.includes('state/') || !armed) return etag
        armed = false
        for (let n = 0; n < others; n++) await other.commit('x', n + 1, ours, bytes(n))
        throw lost()
      },
    }
    const { store } = await openS3({ bucket })
    const commit = store.commit('x', 0, ours, bytes(99))
    if (others < 16) assert.is(await commit, 1)
    else await refused(commit, 'STORE_TIMEOUT', 'is unknown')
    assert.is((await store.get('x'))?.rev, others + 1)
    await Promise.all([store.close(), other.close()])
  }
})

test('commits of one id share a write, and a known object is not read before', async () => {
  const memory = createMemoryBucket()
  const { store } = await openS3({ bucket: memory, maxPending: 100 })
  await store.commit('x', 0, ours, bytes(0))
  memory.calls.length = 0
  await Promise.all(Array.from({ length: 65 }, (_, at) => store.commit('x', at + 1, ours, bytes(at))))
  assert.is(memory.calls.length, 2, memory.calls.join())
  const many = Array.from({ length: 101 }, (_, at) => store.commit(`y${at}`, 0, ours, bytes(at)))
  await refused(many.pop() as Promise<number>, 'STORE_BUSY', '100 writes wait; maxPending is 100')
  await Promise.all(many)
  await store.close()
})

test('a lease whose answer was lost is ours, once', async () => {
  let faults = 0
  const bucket = lossy(createMemoryBucket(), (call) => (call === 'put' && faults++ % 2 === 0 ? 'after' : undefined), lost)
  const authority = createAuthority(partsOf({ bucket }).leases)
  const lease = await authority.acquire('x', 'a', 1000)
  assert.is(lease?.fence.token, 1)
  if (lease !== undefined) await authority.renew(lease)
  await authority.close()
  assert.is(await createAuthority(partsOf({ bucket }).leases).current('x'), undefined)
})

test('bytes that come with the tag of another write are read again: nothing is overwritten unseen', async () => {
  const memory = createMemoryBucket()
  const other = (await openS3({ bucket: memory })).store
  const tagged = new Map<string, string>()
  let torn = 0
  // Tags of the other's writes, told a moment early, as a gateway does that reads the tag and the bytes one after the other.
  const bucket: ObjectBucket = {
    ...memory,
    async put(key, value, { ifMatch, ...options } = {}) {
      const real = [...tagged].find(([, tag]) => tag === ifMatch)?.[0]
      const etag = await memory.put(key, value, { ...options, ...(ifMatch !== undefined && { ifMatch: real ?? '"none"' }) })
      if (etag !== undefined) tagged.set(etag, md5Tag(value))
      return etag && md5Tag(value)
    },
    async get(key) {
      const found = await memory.get(key)
      if (found === undefined) return undefined
      tagged.set(found.etag, md5Tag(found.bytes))
      if (!key.includes('state/') || torn > 0) return { ...found, etag: md5Tag(found.bytes) }
      torn += 1
      await other.commit('x', 1, ours, bytes(2))
      const now = await memory.get(key)
      tagged.set(now?.etag ?? '', md5Tag(now?.bytes ?? bytes()))
      return { bytes: found.bytes, etag: md5Tag(now?.bytes ?? bytes()) }
    },
  }
  await other.commit('x', 0, ours, bytes(1))
  const { store } = await openS3({ bucket })
  await refused(store.commit('x', 1, ours, bytes(99)), 'STORE_CONFLICT', 'at revision 2, not at 1')
  assert.equal([torn, (await other.get('x'))?.value], [1, bytes(2)])
  await Promise.all([store.close(), other.close()])
})

test('a flipped byte is found by who reads it', async () => {
  const memory = createMemoryBucket()
  const { store } = await openS3({ bucket: memory })
  await store.commit('x', 0, ours, bytes(1, 2, 3))
  const [, object] = [...memory.objects].find(([key]) => key.startsWith('state/')) as [string, Uint8Array]
  object[object.length - 3] = (object[object.length - 3] as number) ^ 1
  await refused(store.get('x'), 'STORE_BROKEN', 'check sum')
  await store.close()
})

test('options that cannot be', async () => {
  const bucket = createMemoryBucket()
  const bad: readonly (readonly [object, string])[] = [
    [{ bucket: {} }, 'a bucket of connectBucket'],
    [{ prefix: 'a b' }, 'prefix is "a b"'],
    [{ prefix: '../other/' }, 'prefix is "../other/": give one without the parts . and ..'],
    [{ prefix: 'q/./r' }, 'prefix is "q/./r": give'],
    [{ prefix: '/' }, 'prefix is "/": give'],
    [{ prefix: 'a//b' }, 'prefix is "a//b": give'],
    [{ level: 'disk' }, 'level is "disk"'],
    [{ revisions: 0 }, 'revisions is 0'],
    [{ timeoutMs: 0 }, 'timeoutMs is 0'],
    [{ buckets: 1 }, 'openS3 has no option "buckets"'],
  ]
  for (const [change, text] of bad) await refused(openS3({ bucket, ...change }), 'BAD_OPTION', text)
  assert.is((await openS3({ bucket, level: 'host' })).store.level, 'host')
})

test.run()
