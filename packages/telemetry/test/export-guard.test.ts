import { ExportResultCode, type ExportResult } from '@opentelemetry/core'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { guardExports } from '../src/node/export-guard.ts'

const test = suite('export-guard')

function setUp(send: (items: string, done: (result: ExportResult) => void) => void, timeoutMs = 60_000) {
  const failures: string[] = []
  const answers: number[] = []
  const guard = guardExports(send, { timeoutMs, onFailure: (error) => failures.push(error.message) })
  return { guard, failures, answers, send: () => guard.export('x', ({ code }) => answers.push(code)) }
}

test('a good export passes', async () => {
  const { send, answers, failures, guard } = setUp((_, done) => done({ code: ExportResultCode.SUCCESS }))
  send()
  await guard.settled()
  assert.equal([answers, failures], [[ExportResultCode.SUCCESS], []])
})

test('an exporter that throws has failed', () => {
  const { send, answers, failures } = setUp(() => {
    throw new Error('boom')
  })
  send()
  assert.equal([answers, failures], [[ExportResultCode.FAILED], ['boom']])
})

test('an exporter that fails without a reason has failed', () => {
  const { send, failures } = setUp((_, done) => done({ code: ExportResultCode.FAILED }))
  send()
  assert.equal(failures, ['the exporter gave no reason'])
})

test('an exporter that answers and then throws, or answers twice, is heard once', () => {
  const { send, answers, failures } = setUp((_, done) => {
    done({ code: ExportResultCode.SUCCESS })
    done({ code: ExportResultCode.FAILED })
    throw new Error('late')
  })
  send()
  assert.equal([answers, failures], [[ExportResultCode.SUCCESS], []])
})

test('one that never answers is given up at its deadline', async () => {
  const { guard, send, answers, failures } = setUp(() => {}, 1)
  // The guard's timer keeps no process alive; this one does, until the guard has settled.
  const alive = setTimeout(() => {}, 10_000)
  send()
  await guard.settled()
  clearTimeout(alive)
  assert.equal([answers, failures], [[ExportResultCode.FAILED], ['no answer within 1 ms']])
})

test('cancel answers everything under way, once', async () => {
  const late: ((result: ExportResult) => void)[] = []
  const { guard, send, answers, failures } = setUp((_, done) => late.push(done))
  send()
  send()
  const settled = guard.settled()
  guard.cancel(new Error('closed'))
  await settled
  for (const done of late) done({ code: ExportResultCode.SUCCESS })
  assert.equal(
    [answers, failures],
    [
      [ExportResultCode.FAILED, ExportResultCode.FAILED],
      ['closed', 'closed'],
    ],
  )
})

test('release answers the SDK, and the export still counts', async () => {
  let late: ((result: ExportResult) => void) | undefined
  const { guard, send, answers, failures } = setUp((_, done) => void (late = done))
  send()
  guard.release()
  const settled = guard.settled()
  assert.equal([answers, failures], [[ExportResultCode.SUCCESS], []])
  late?.({ code: ExportResultCode.FAILED, error: new Error('late') })
  await settled
  assert.equal([answers, failures], [[ExportResultCode.SUCCESS], ['late']])
})

test.run()
