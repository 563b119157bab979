import { connectBucket, type ObjectBucket } from '@stigmergy/grid/s3'
import { isStoreError, type StoreErrorCode } from '@stigmergy/grid/store'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { freePort } from '../../../../test/components/process.ts'
import { findVersitygw, startVersitygw, type Versitygw } from '../../../../test/components/versitygw.ts'
import { needs } from '../../../../test/runner/needs.ts'
import { clients, loginOf, type Login } from './server.ts'

const test = suite('buckets')
const program = await findVersitygw()
const onServer = needs(test, 'Go, to build versitygw', program !== undefined)
const bytes = (text: string): Uint8Array => Buffer.from(text)
let server: Versitygw | undefined

test.before(async () => {
  if (program !== undefined) server = await startVersitygw(program)
})
test.after(async () => {
  await server?.stop()
})

async function refusal(promise: Promise<unknown>, code: StoreErrorCode): Promise<Error> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  assert.ok(isStoreError(error, code), `${code}, not ${String(error)}`)
  return error
}

for (const [name, open] of Object.entries(clients)) {
  const use =
    (run: (bucket: ObjectBucket, login: Login) => Promise<void>, change: Partial<Login> = {}) =>
    async (): Promise<void> => {
      const login = { ...loginOf(server as Versitygw), ...change }
      const { bucket, done } = await open(login)
      await run(bucket, login)
      done()
    }
  const at = name.slice(0, 2)

  onServer(
    `${name}: an object is kept whole, in part, and until it is deleted`,
    use(async (bucket) => {
      assert.is(await bucket.get(`${at}/a`), undefined)
      const etag = await bucket.put(`${at}/a`, bytes('0123456789'))
      const found = await bucket.get(`${at}/a`)
      assert.equal([found?.etag, Buffer.from(found?.bytes ?? []).toString()], [etag, '0123456789'])
      const part = await bucket.get(`${at}/a`, { range: { start: 2, end: 5 } })
      assert.is(Buffer.from(part?.bytes ?? []).toString(), '234')
      await bucket.put(`${at}/empty`, bytes(''))
      assert.is((await bucket.get(`${at}/empty`))?.bytes.length, 0)
      await bucket.delete(`${at}/a`)
      await bucket.delete(`${at}/a`)
      assert.is(await bucket.get(`${at}/a`), undefined)
    }),
  )

  onServer(
    `${name}: a put holds to its condition`,
    use(async (bucket) => {
      const first = await bucket.put(`${at}/c`, bytes('1'), { ifAbsent: true })
      assert.ok(first)
      assert.is(await bucket.put(`${at}/c`, bytes('2'), { ifAbsent: true }), undefined)
      const second = await bucket.put(`${at}/c`, bytes('2'), { ifMatch: first })
      assert.ok(second)
      assert.is(await bucket.put(`${at}/c`, bytes('3'), { ifMatch: first }), undefined)
      assert.is(await bucket.put(`${at}/none`, bytes('3'), { ifMatch: first }), undefined)
      assert.is(Buffer.from((await bucket.get(`${at}/c`))?.bytes ?? []).toString(), '2')
    }),
  )

  onServer(
    `${name}: of many puts on one tag exactly one wins`,
    use(async (bucket) => {
      let etag = (await bucket.put(`${at}/race`, bytes('0'))) as string
      for (let round = 1; round <= 5; round++) {
        const tags = await Promise.all(
          Array.from({ length: 10 }, (_, n) => bucket.put(`${at}/race`, bytes(`${round} ${n}`), { ifMatch: etag })),
        )
        const won = tags.filter((tag) => tag !== undefined)
        assert.is(won.length, 1)
        etag = won[0] as string
      }
    }),
  )

  onServer(
    `${name}: a list goes by pages, in order of bytes`,
    use(async (bucket) => {
      const keys = ['61.row', '6161.row', '61~/62.row', '62.row', '7a.row'].map((key) => `${at}/list/${key}`)
      await Promise.all(keys.map((key) => bucket.put(key, bytes('12'))))
      const found: string[] = []
      for (let more = true; more;) {
        const page = await bucket.list({ prefix: `${at}/list/`, limit: 2, ...(found.length > 0 && { after: found.at(-1) as string }) })
        assert.ok(page.objects.every(({ size }) => size === 2))
        found.push(...page.objects.map(({ key }) => key))
        more = page.more
      }
      assert.equal(found, keys)
      assert.equal(await bucket.list({ prefix: 'nothing' }), { objects: [], more: false })
    }),
  )

  for (const [what, change] of Object.entries({
    'a wrong key': { accessKeyId: 'nobody' },
    'a wrong secret': { secretAccessKey: 'wrong' },
    'a missing bucket': { bucket: 'missing' },
  })) {
    onServer(
      `${name}: ${what} is told in every call, and never taken for a missing object`,
      use(async (bucket) => {
        const calls = [
          bucket.get('x'),
          bucket.put('x', bytes('1')),
          bucket.put('x', bytes('1'), { ifMatch: '"1"' }),
          bucket.list({ prefix: 'x' }),
        ]
        const errors = await Promise.all(calls.map((call) => refusal(call, 'STORE_ACCESS')))
        if (what === 'a missing bucket') assert.match(errors[0]?.message ?? '', 'no such bucket: make it')
        else assert.match(errors[0]?.message ?? '', 'check the key, the secret')
      }, change),
    )
  }

  onServer(`${name}: an endpoint that is down is told`, async () => {
    const { bucket, done } = await open({ ...loginOf(server as Versitygw), endpoint: `http://127.0.0.1:${await freePort()}` })
    for (const call of [() => bucket.get('x'), () => bucket.put('x', bytes('1'))]) {
      assert.match((await refusal(call(), 'STORE_UNREACHABLE')).message, 'ECONNREFUSED')
    }
    done()
  })

  onServer(
    `${name}: a signal ends a call to a server that hangs`,
    use(async (bucket) => {
      const hung = (server as Versitygw).process
      await hung.pause()
      try {
        const reason = new Error('long enough')
        for (const call of [
          (signal: AbortSignal) => bucket.get('x', { signal }),
          (signal: AbortSignal) => bucket.put('x', bytes('1'), { signal }),
        ]) {
          const stop = new AbortController()
          const ended = call(stop.signal).catch((error: unknown) => error)
          stop.abort(reason)
          assert.is(await ended, reason)
        }
      } finally {
        hung.signal('SIGCONT')
      }
    }),
  )
}

onServer('a clock that is wrong is told as that', async () => {
  const bucket = await connectBucket(loginOf(server as Versitygw))
  const Right = globalThis.Date
  globalThis.Date = class extends Right {
    constructor() {
      super(Right.now() + 3_600_000)
    }
  } as DateConstructor
  try {
    assert.match((await refusal(bucket.put('x', bytes('1')), 'STORE_CLOCK')).message, 'set the clock of this machine right')
  } finally {
    globalThis.Date = Right
  }
})

onServer('a wrong region is told as that', async () => {
  const bucket = await connectBucket({ ...loginOf(server as Versitygw), region: 'eu-nowhere-1' })
  const message = 'the bucket is in another region: correct the region'
  assert.match((await refusal(bucket.put('x', bytes('1')), 'STORE_ACCESS')).message, message)
})

test('what cannot be connected to is refused, without a secret in the message', async () => {
  const good = { endpoint: 'http://127.0.0.1:1', bucket: 'cell', accessKeyId: 'a', secretAccessKey: 'b' }
  const bad: readonly (readonly [object, string])[] = [
    [{ endpoint: 'nowhere' }, 'endpoint is "nowhere": give a URL'],
    [{ endpoint: 'ftp://127.0.0.1/' }, 'endpoint is "ftp://127.0.0.1/": give a URL'],
    [{ bucket: 'A_B' }, 'bucket is "A_B"'],
    [{ secretAccessKey: '' }, 'secretAccessKey is ""'],
    [{ accessKeyId: 7 }, 'accessKeyId is no string'],
    [{ requestMs: 0 }, 'requestMs is 0'],
    [{ buckets: 1 }, 'connectBucket has no option "buckets"'],
  ]
  for (const [change, text] of bad) assert.match((await refusal(connectBucket({ ...good, ...change }), 'BAD_OPTION')).message, text)
})

test.run()
