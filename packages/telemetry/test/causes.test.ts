import type { TraceContext } from '@stigmergy/grid'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Causes } from '../src/recorder/causes.ts'
import { reasonCode } from '../src/recorder/keep-rules.ts'
import { ended, openFlight } from './support/flight.ts'
import { agentInfo } from './support/transitions.ts'

const test = suite('causes')
const none: ReadonlySet<string> = new Set()
const bad: ReadonlySet<string> = new Set(['violation'])
const rules = { keep: { ratio: 0, slowPerSecond: 0 } } as const
const copy = ({ traceId, spanId, traceFlags }: TraceContext): TraceContext => ({ traceId, spanId, traceFlags })

function open() {
  const bench = openFlight(rules)
  const { recorder } = bench
  const end = (context: TraceContext, tags: ReadonlySet<string> = none): void =>
    recorder.end(recorder.rowOf(agentInfo()), 'go', ended(0, 0, 0, 1), 0, 'a', 'b', none, tags, undefined, context)
  const names = () => bench.spans().map(({ name }) => name)
  return { ...bench, end, names }
}

test('what a kept trace was linked to is kept too, and the parent is linked once', () => {
  const { recorder, end, names, emitted, told } = open()
  const percepts = [1, 2, 3].map((at) => recorder.root(`percept ${at}`, {}, 0, 0))
  recorder.root('of no interest', {}, 0, 0)
  const plan = recorder.start(percepts[0])
  for (const percept of [...percepts, ...percepts]) recorder.link(plan, copy(percept))
  end(plan, bad)
  assert.equal(names().toSorted(), ['percept 1', 'percept 2', 'percept 3', 'robot a -> b'])
  const ids = new Set(emitted.map(({ spanId }) => spanId))
  const links = emitted.find(({ name }) => name === 'robot a -> b')?.links.map(({ context }) => context.spanId) ?? []
  assert.equal(
    links,
    percepts.map(({ spanId }) => spanId),
  )
  assert.ok(links.every((id) => ids.has(id)))
  // The other processes hear of all three.
  assert.equal(
    told.map(({ reason }) => reason),
    ['violation', 'cause', 'cause'],
  )
})

test('a link that is told after the trace was kept keeps its cause at once', () => {
  const { recorder, end, names } = open()
  const percept = recorder.root('percept', {}, 0, 0)
  const plan = recorder.start(undefined)
  recorder.keep(plan, reasonCode('stale'))
  recorder.link(plan, percept)
  end(plan)
  assert.equal(names().toSorted(), ['percept', 'robot a -> b'])
})

test('causes of causes are not kept, here or where another process says so', () => {
  const { recorder, end, names } = open()
  const [first, second, third] = [1, 2, 3].map((at) => recorder.root(`r${at}`, {}, 0, 0)) as [TraceContext, TraceContext, TraceContext]
  for (const [own, cause] of [
    [second, first],
    [third, second],
  ] as const) {
    const step = recorder.start(own)
    recorder.link(step, cause)
    end(step)
  }
  recorder.keepRemote(third.traceId, 'violation')
  assert.equal(
    names().filter((name) => name.startsWith('r') && name.length === 2),
    ['r3', 'r2'],
  )
  const other = open()
  const [cause, plan] = [1, 2].map((at) => other.recorder.root(`r${at}`, {}, 0, 0)) as [TraceContext, TraceContext]
  const step = other.recorder.start(plan)
  other.recorder.link(step, cause)
  other.recorder.keepRemote(plan.traceId, 'cause')
  assert.equal(other.names(), ['r2'])
})

test('the base share keeps no causes', () => {
  const { recorder, spans } = openFlight({ keep: { ratio: 0.5, slowPerSecond: 0 } })
  const roots = Array.from({ length: 100 }, () => recorder.root('r', {}, 0, 0))
  for (const [at, root] of roots.entries()) recorder.link(recorder.start(root), roots[(at + 1) % 100]!)
  const kept = spans().length
  assert.ok(kept > 30 && kept < 70, String(kept))
})

test('remembered causes are bounded, the oldest are forgotten', () => {
  const causes = new Causes()
  const cause: TraceContext = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 }
  for (let trace = 0; trace < 20_000; trace++) causes.add(trace, cause)
  assert.is(causes.take(0).length, 0)
  assert.is(causes.take(19_999).length, 1)
  assert.is(causes.take(19_999).length, 0)
  for (let i = 0; i < 20_000; i++) causes.add(7, cause)
  assert.ok(causes.take(7).length <= 16_384)
})

test.run()
