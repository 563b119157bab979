import { createVirtualClock } from '@stigmergy/grid'
import { openAudit, type AuditOptions } from '@stigmergy/grid/audit'
import { createBlobs, createMemoryBytes, createMemoryTags } from '@stigmergy/grid/blobs'
import { openDurable } from '@stigmergy/grid/durable'
import { openS3, openS3Blobs } from '@stigmergy/grid/s3'
import { createMemoryStore, isStoreError, StoreError, type StoreErrorCode } from '@stigmergy/grid/store'
import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { findVersitygw, startVersitygw } from '../../../../test/components/versitygw.ts'
import { needs } from '../../../../test/runner/needs.ts'
import { newPlace } from '../durable/places.ts'
import { clients, loginOf } from '../s3/server.ts'

const test = suite('audit')
const program = await findVersitygw()
const onServer = needs(test, 'Go, to build versitygw', program !== undefined)

const fence = { owner: 'planner-1', token: 4 }
const trace = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7', traceFlags: 1, planId: 'p-7' }

async function refused(promise: Promise<unknown>, code: StoreErrorCode, text: RegExp): Promise<void> {
  const [result] = await Promise.allSettled([promise])
  const error: unknown = result?.status === 'rejected' ? result.reason : undefined
  assert.ok(isStoreError(error, code), String(error))
  assert.match(error.message, text)
}

function inMemory(change: Partial<AuditOptions> = {}): AuditOptions {
  const blobs = createBlobs(createMemoryBytes(), createMemoryTags())
  return { store: createMemoryStore({ revisions: 3 }), blobs, fence, clock: createVirtualClock(), ...change }
}

test('a version that only waits for the blobs is read from where it waits', async () => {
  const options = inMemory()
  const put = (): Promise<never> => Promise.reject(new StoreError('STORE_UNREACHABLE', 'no bucket'))
  const audit = openAudit({ ...options, blobs: { ...options.blobs, put } })
  for (let at = 1; at <= 10; at++) await audit.record('cell-7', { at })
  for (let at = 1; at <= 10; at++) assert.equal((await audit.read('cell-7', at))?.document, { at })
  assert.is(await audit.read('cell-7', 11), undefined)
  await audit.close()
})

test('every plan is a version of its own, with its trace, in the store and in the blobs', async () => {
  const options = inMemory()
  const audit = openAudit(options)
  const plan = { take: 'part-1' }
  const first = audit.record('cell-7', plan, { trace })
  plan.take = 'changed afterwards'
  assert.equal(await first, { version: 1 })
  const more = await Promise.all([2, 3, 4, 5, 6].map((part) => audit.record('cell-7', { take: `part-${part}` })))
  assert.equal(
    more.map(({ version }) => version),
    [2, 3, 4, 5, 6],
  )
  assert.equal(await audit.record('cell-8', 'wait'), { version: 1 })
  await audit.flush()
  assert.equal([await audit.versions('cell-7'), await audit.versions('cell-8')], [[1, 2, 3, 4, 5, 6], [1]])
  const kept = await audit.read('cell-7', 1)
  assert.equal([kept?.document, kept?.trace, kept?.owner, kept?.fence, kept?.version], [{ take: 'part-1' }, trace, 'planner-1', 4, 1])
  assert.equal(
    [(await audit.read('cell-7'))?.version, (await audit.read('cell-7', 6))?.trace, await audit.read('cell-7', 7)],
    [6, null, undefined],
  )
  assert.is(await audit.read('cell-9'), undefined)
  assert.equal(await options.store.outbox('audit/cell-7'), [])
  // The blob is a document that needs no tool of ours.
  const text = Buffer.from(await options.blobs.readAll('audit/cell-7@1.0.0')).toString()
  assert.equal((JSON.parse(text) as { trace: object }).trace, trace)
  assert.equal(audit.stats(), { recorded: 7, delivered: 7, failed: 0, lastError: undefined })
  await audit.close()
  await refused(audit.record('cell-7', 1), 'CLOSED', /closed/)
})

test('blobs out of reach stop no plan until the bound, and nothing is lost when they are back', async () => {
  let broken = true
  const options = inMemory({ maxUndelivered: 3 })
  const blobs = {
    ...options.blobs,
    async put(...given: Parameters<typeof options.blobs.put>) {
      if (broken) throw new StoreError('STORE_UNREACHABLE', 'the bucket does not answer')
      return options.blobs.put(...given)
    },
  }
  const audit = openAudit({ ...options, blobs })
  for (const part of [1, 2, 3]) assert.equal(await audit.record('cell', { part }), { version: part })
  await refused(audit.record('cell', { part: 4 }), 'STORE_BUSY', /3 versions of cell wait for the blobs; maxUndelivered is 3/)
  await refused(audit.flush(), 'STORE_UNREACHABLE', /does not answer/)
  await audit.close()
  assert.ok(audit.stats().failed > 0)
  broken = false
  // Another process, which finds them in the outbox.
  const next = openAudit({ ...options, blobs })
  await next.flush('cell')
  assert.equal(await next.versions('cell'), [1, 2, 3])
  assert.equal(await next.record('cell', { part: 4 }), { version: 4 })
  await next.close()
  assert.equal(await next.versions('cell'), [1, 2, 3, 4])
})

test('a planner that lost its lease leaves no plan', async () => {
  const options = inMemory()
  const [old, young] = [openAudit(options), openAudit({ ...options, fence: { owner: 'planner-2', token: 5 } })]
  await old.record('cell', 1)
  assert.equal(await young.record('cell', 2), { version: 2 })
  await refused(old.record('cell', 3), 'STORE_FENCED', /"planner-2" holds it with token 5/)
  assert.is((await young.read('cell'))?.document, 2)
})

test('two that record with one fence number their plans without a hole', async () => {
  const options = inMemory()
  const [one, two] = [openAudit(options), openAudit(options)]
  const receipts = await Promise.all(Array.from({ length: 10 }, (_, at) => (at % 2 === 0 ? one : two).record('cell', at)))
  const versions = receipts.map(({ version }) => version)
  assert.equal(
    versions.toSorted((a, b) => a - b),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
  )
  await one.close()
  await two.close()
  assert.equal(await one.versions('cell'), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
})

test('what cannot be, and what a newer release wrote', async () => {
  const options = inMemory()
  const audit = openAudit(options)
  await refused(audit.record('cell', undefined), 'BAD_OPTION', /document is undefined: give what JSON can say/)
  await refused(audit.record('a@b', 1), 'BAD_ID', /without @/)
  await refused(audit.read('cell', -1), 'BAD_OPTION', /version is -1/)
  assert.throws(() => openAudit({ ...options, fences: 1 } as never), /no option "fences"/)
  await options.store.commit('audit/new', 0, fence, Buffer.from('{"schema_version":2}'))
  await refused(audit.read('new'), 'STORE_NEWER', /has schema version 2; this release knows 1/)
  await options.store.commit('audit/torn', 0, fence, Buffer.from('{"schema_'))
  await refused(audit.read('torn'), 'STORE_BROKEN', /are no audit entry/)
})

onServer('store on disk, all versions on S3; and both on S3', async () => {
  const server = await startVersitygw(program ?? '')
  const place = await newPlace()
  const { bucket, done } = await (clients['s3mini'] as NonNullable<(typeof clients)['s3mini']>)(loginOf(server))
  const durable = await openDurable({ path: place.path })
  const blobs = await openS3Blobs({ bucket })
  const s3 = await openS3({ bucket })
  try {
    for (const [at, store] of [durable.store, s3.store].entries()) {
      const audit = openAudit({ store, blobs, fence })
      for (const part of [1, 2, 3]) await audit.record(`cell-${at}`, { part }, { trace })
      await audit.close()
      assert.equal(await audit.versions(`cell-${at}`), [1, 2, 3])
      const text = Buffer.from(await blobs.readAll(`audit/cell-${at}@2.0.0`)).toString()
      assert.equal((JSON.parse(text) as { document: object }).document, { part: 2 })
    }
  } finally {
    await s3.close()
    await blobs.close()
    await durable.close()
    await place.done()
    done()
    await server.stop()
  }
})

onServer('the example runs on S3 as it does on disk', async () => {
  const server = await startVersitygw(program ?? '')
  try {
    const { endpoint, bucket, accessKeyId, secretAccessKey } = loginOf(server)
    const s3 = { S3_ENDPOINT: endpoint, S3_BUCKET: bucket, S3_ACCESS_KEY: accessKeyId, S3_SECRET_KEY: secretAccessKey }
    const example = fileURLToPath(new URL('../../../../examples/09-plan-audit.ts', import.meta.url))
    const flags = ['--conditions=@stigmergy/source', '--import', 'tsx', example]
    const options = { cwd: dirname(dirname(example)), env: { ...process.env, ...s3 }, timeout: 30_000 }
    const { stdout } = await promisify(execFile)(process.execPath, flags, options)
    const promised = [...(await readFile(example, 'utf8')).matchAll(/\/\/ → (.*)$/gm)].map(([, line]) => line)
    assert.equal(stdout.trimEnd().split('\n'), promised)
    const files = await readdir(join(server.root, bucket), { recursive: true })
    assert.is(files.filter((file) => /blobs\/[0-9a-f]{64}$/.test(file)).length, 2)
  } finally {
    await server.stop()
  }
})

test('what JSON would change, leave out or cannot say is refused by its path, and nothing is recorded', async () => {
  const audit = openAudit(inMemory())
  const circle: Record<string, unknown> = { steps: [] }
  ;(circle['steps'] as unknown[]).push({ back: circle })
  let deep: unknown = 1
  for (let at = 0; at < 100_000; at++) deep = [deep]
  const faults: readonly (readonly [document: unknown, says: RegExp])[] = [
    [{ n: 10n }, /^document\.n is 10n: give what JSON can say/],
    [circle, /^document\.steps\[0\]\.back is "an object that it is part of"/],
    [{ do: () => 1 }, /^document\.do is function do/],
    [{ m: new Map([[1, 2]]) }, /^document\.m is "a Map"/],
    [{ at: new Date(0) }, /^document\.at is "a Date"/],
    [[1, [Number.NaN]], /^document\[1\]\[0\] is NaN/],
    [[undefined], /^document\[0\] is undefined/],
    [undefined, /^document is undefined/],
    [Symbol('s'), /^document is Symbol\(s\)/],
    [deep, /at most 500 objects in each other/],
  ]
  for (const [document, says] of faults) await refused(audit.record('cell', document), 'BAD_OPTION', says)
  for (const bad of [5, null, { traceId: 7 }, { ...trace, plan: 'p' }]) {
    await refused(audit.record('cell', 1, { trace: bad as never }), 'BAD_OPTION', /trace/)
  }
  await refused(audit.record('x'.repeat(395), 1), 'BAD_ID', /^name is "x+\.\.\.: give a non-empty string of at most 394 bytes/)
  assert.is(await audit.read('cell'), undefined)
  assert.equal(await audit.record('cell', { a: 1, left: undefined, __proto__: null }), { version: 1 })
  assert.equal((await audit.read('cell'))?.document, { a: 1 })
  assert.equal(await audit.record('x'.repeat(394), 'fits'), { version: 1 })
  await audit.close()
  for (const missing of ['store', 'blobs']) {
    assert.throws(
      () => openAudit({ ...inMemory(), [missing]: undefined }),
      (error: unknown) => isStoreError(error, 'BAD_OPTION'),
    )
  }
})

test.run()
