import { startTelemetry } from '@stigmergy/telemetry/node'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Extras } from '../src/recorder/extras.ts'
import { reasonCode } from '../src/recorder/keep-rules.ts'
import { ended, openFlight } from './support/flight.ts'
import { agentInfo } from './support/transitions.ts'

const test = suite('what fits into no record')
const none: ReadonlySet<string> = new Set()

test('is bounded in bytes: the oldest goes first, and one that is larger than all room at once', () => {
  const extras = new Extras(10_000)
  for (let seq = 0; seq < 5; seq++) extras.set(seq, { attributes: { note: 'x'.repeat(1500) } })
  assert.equal(
    [0, 1, 2, 3, 4].filter((seq) => extras.get(seq) !== undefined),
    [2, 3, 4],
  )
  extras.set(3, { error: 'small' })
  extras.set(5, { attributes: { list: ['x'.repeat(1500), 1] } })
  assert.ok(extras.get(2) !== undefined && extras.get(5) !== undefined, 'what was replaced takes no room')
  extras.deleteUntil(2)
  assert.equal([extras.get(2), extras.get(4) === undefined], [undefined, false])
  extras.set(6, { attributes: { picture: 'x'.repeat(10_000) } })
  assert.is(extras.get(6), undefined)
  extras.set(7, { attributes: { note: 'x'.repeat(4900) } })
  assert.ok(extras.get(7) !== undefined, 'all room is there again')
})

test('readings with long attributes that nobody keeps take as much memory as the ring', () => {
  const { recorder, spans } = openFlight({ keep: { ratio: 0 }, maxMebibytes: 1 })
  const roots = Array.from({ length: 1000 }, (_, i) => recorder.root('camera frame', { note: `${i}`.padEnd(4000, 'x') }, i, i))
  const held = roots.filter((_, seq) => recorder.ring.extra(seq) !== undefined).length
  assert.ok(held > 80 && held < 110, `${held} are held`)
  recorder.keep(roots[0]!, reasonCode('debug'))
  recorder.keep(roots[999]!, reasonCode('debug'))
  assert.equal(
    spans().map(({ attributes }) => String(attributes['note']).slice(0, 3)),
    ['und', '999'],
  )
})

test('an error is held as its text, and a failure of which that is gone is one still', () => {
  const { recorder, spans } = openFlight({ keep: { ratio: 0, errors: false }, maxMebibytes: 1 })
  const agent = agentInfo()
  const fail = (error: unknown) => {
    const context = recorder.start(undefined)
    recorder.end(recorder.rowOf(agent), 'go', ended(0, 0, 0, 1), 0, 'a', 'b', none, none, error, context)
    return context
  }
  const rude = new Proxy(new Error('x'), {
    get() {
      throw new Error('mine')
    },
  })
  const failed = [
    fail('early'),
    ...Array.from({ length: 100 }, () => fail('x'.repeat(10_000))),
    fail(Object.assign(new RangeError('jam'), { code: 'E_JAM', request: { body: 'long' } })),
    fail(rude),
  ]
  for (const context of [failed[0]!, ...failed.slice(-2)]) recorder.keep(context, reasonCode('debug'))
  const [early, last, unreadable] = spans().map(({ error }) => error)
  assert.is(early, 'an error that is no longer known')
  assert.is(unreadable, 'something without a text')
  assert.ok(last instanceof Error && last.message === 'jam' && last.name === 'RangeError' && !('request' in last))
  assert.is((last as { readonly code?: unknown }).code, 'E_JAM')
})

test('what a kept trace lacks of it is counted, and a time that is no number is now', async () => {
  const telemetry = await startTelemetry({
    otlp: false,
    prometheus: false,
    keep: { ratio: 0 },
    recorder: { maxMebibytes: 1 },
    spanProcessors: [{ onStart() {}, onEnd() {}, forceFlush: async () => {}, shutdown: async () => {} }],
  })
  const first = telemetry.startTrace('camera frame', { note: 'x' }, { startedAtMs: 12n as unknown as number })
  for (let i = 0; i < 200; i++) telemetry.startTrace('camera frame', { note: 'x'.repeat(4000) })
  telemetry.keep(first, 'debug')
  await telemetry.close()
  assert.equal([telemetry.tally.dropped.detail, telemetry.tally.dropped.span], [1, 0])
})

test.run()
