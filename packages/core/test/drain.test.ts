import { spawn } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { assign, createMachine, fromCallback, fromPromise } from 'xstate'
import { command, drainOnSignal, isCoreError, memoryStore, type DrainReport, type ReplyTo, type Store } from '../src/index.ts'
import { counter, add, openBench, recorder, type Bench } from './support.ts'

const test = suite('drain')

/** Works `ms` on each job, one at a time, and hands it on. */
function worker({ system, clock }: Bench, next: string | undefined, ms: number) {
  return createMachine({
    id: 'worker',
    types: {} as { context: { done: readonly number[] }; events: { type: 'job'; n: number } },
    context: { done: [] },
    initial: 'idle',
    // A callback has no end of its own: it is not waited for.
    invoke: { src: fromCallback(() => undefined) },
    states: {
      idle: { on: { job: 'busy' } },
      busy: {
        invoke: {
          src: fromPromise<number, number>(({ input, signal }) => {
            return new Promise((resolve, reject) => {
              const timer = clock.setTimeout(() => resolve(input), ms)
              signal.addEventListener('abort', () => {
                clock.clearTimeout(timer)
                reject(signal.reason as Error)
              })
            })
          }),
          input: ({ event }) => (event as { n: number }).n,
          onDone: {
            target: 'idle',
            actions: [
              assign({ done: ({ context, event }) => [...context.done, event.output] }),
              ({ event }) => {
                if (next !== undefined) system.send(next, { type: 'job', n: event.output } as { type: string })
              },
            ],
          },
        },
      },
    },
  })
}

async function line(bench: Bench): Promise<void> {
  for (const [id, next] of [['a', 'b'], ['b', 'c'], ['c']] as const) {
    await bench.system.spawn(worker(bench, next, 100), { id, stash: (_event, state) => state.matches('busy'), durability: 'checkpoint' })
  }
}

const job = (bench: Bench, n: number): boolean => bench.system.send('a', { type: 'job', n } as { type: string })

test('what waits and every promise is finished, along the whole line; new work is refused; the last states are stored', async () => {
  const store = memoryStore()
  const hooks = recorder()
  const bench = await openBench({ store, hooks })
  await line(bench)
  const cell = await bench.system.supervise({ id: 'cell' })
  for (const n of [1, 2]) job(bench, n)
  await bench.settle()
  let report: DrainReport | undefined
  const drained = bench.system.drain().then((told) => {
    report = told
    return told
  })
  assert.is(job(bench, 3), false)
  const a = bench.system.agent('a')
  assert.is(a?.send({ type: 'job', n: 3 } as never), false)
  const [asked] = await Promise.allSettled([a?.ask((_replyTo: ReplyTo<number>) => ({ type: 'job', n: 3 }) as never)])
  assert.ok(asked?.status === 'rejected' && isCoreError(asked.reason, 'DRAINING'))
  const { system } = bench
  const starts = [
    () => system.spawn(counter),
    () => system.supervise({ id: 's' }),
    () => cell.spawn(counter),
    () => cell.supervise({ id: 's' }),
  ]
  for (const start of starts) {
    const [started] = await Promise.allSettled([start()])
    assert.ok(started?.status === 'rejected' && isCoreError(started.reason, 'DRAINING'))
  }
  await bench.clock.advance(399)
  assert.is(report, undefined)
  assert.is(bench.system.send('a', { type: 'job', n: 4 } as { type: string }, { from: 'b' }), true, 'agents may go on')
  await bench.clock.advance(400)
  const { finished, cut, error, tookMs } = await drained
  assert.equal([finished, cut, error], [['c', 'b', 'a'], [], undefined])
  assert.ok(tookMs >= 400 && tookMs < 800, String(tookMs))
  assert.equal(hooks.log.slice(-3), ['stop c stopped', 'stop b stopped', 'stop a stopped'])
  assert.equal(
    bench.system.deadLetters.list({ reason: 'draining' }).map(({ agentId }) => agentId),
    ['a', 'a'],
  )
  assert.is(bench.clock.pending, 0)
  await bench.close()

  const again = await openBench({ store })
  await line(again)
  assert.equal(again.system.agent('c')?.snapshot.context, { done: [1, 2, 4] })
  await again.close()
})

test('at the deadline, or by the signal, what is not finished is cut, and told', async () => {
  for (const by of ['deadline', 'signal'] as const) {
    const bench = await openBench()
    await line(bench)
    for (const n of [1, 2, 3]) job(bench, n)
    await bench.settle()
    const controller = new AbortController()
    const drained = bench.system.drain(by === 'deadline' ? { timeoutMs: 150 } : { signal: controller.signal })
    await bench.clock.advance(150)
    controller.abort(new Error('now'))
    const { finished, cut } = await drained
    assert.equal(finished, ['c'])
    assert.equal(cut, [
      { id: 'b', status: 'running', waiting: 0, promises: ['0.worker.busy'], effects: false },
      { id: 'a', status: 'running', waiting: 1, promises: ['0.worker.busy'], effects: false },
    ])
    assert.equal([bench.system.agents, bench.clock.pending], [[], 0])
    assert.is(bench.system.deadLetters.list({ agentId: 'a', reason: 'stopped' }).length, 1)
    await bench.close()
  }
})

test('an agent that is being restarted is waited for; a store that does not answer is told', async () => {
  const inner = memoryStore()
  let hang = false
  const store: Store = { ...inner, commit: (...args) => (hang ? new Promise(() => undefined) : inner.commit(...args)) }
  const bench = await openBench({ store })
  const agent = await bench.system.spawn(counter, { id: 'c', durability: 'checkpoint' })
  agent.send({ type: 'boom' })
  agent.send(add(5))
  await bench.settle()
  const drained = bench.system.drain({ closeTimeoutMs: 100 })
  await bench.clock.advance(10)
  hang = true
  await bench.clock.advance(200)
  const report = await drained
  assert.equal([report.finished, agent.snapshot.context.sum], [['c'], 5])
  assert.ok(isCoreError(report.error, 'CLOSE_TIMEOUT'))
  await bench.close().catch(() => undefined)
})

test('nothing to do: it ends at once, twice is once, and bad options are refused before anything is', async () => {
  const bench = await openBench()
  const agent = await bench.system.spawn(counter, { id: 'c' })
  const [bad] = await Promise.allSettled([bench.system.drain({ timeoutMs: -1 })])
  assert.ok(bad?.status === 'rejected' && isCoreError(bad.reason, 'BAD_OPTION'))
  assert.is(agent.send(add(1)), true)
  const [one, two] = [bench.system.drain(), bench.system.drain()]
  await bench.clock.advance(2)
  assert.is(await one, await two)
  assert.is(agent.snapshot.context.sum, 1)
  await bench.close()
})

test('on a signal: drained, then what is to be closed after it, then the end; a second signal cuts', async () => {
  for (const twice of [false, true]) {
    const bench = await openBench()
    await line(bench)
    job(bench, 1)
    await bench.settle()
    const source = new EventEmitter()
    const log: unknown[] = []
    const off = drainOnSignal(bench.system, {
      source,
      report: ({ cut }) => void log.push(cut.map(({ id }) => id)),
      after: async () => void log.push('after'),
      exit: (code) => void log.push(code),
    })
    source.emit('SIGTERM')
    if (twice) source.emit('SIGINT')
    await bench.clock.advance(1000)
    assert.equal(log, twice ? [['a'], 'after', 1] : [[], 'after', 0])
    off()
    assert.is(source.listenerCount('SIGTERM'), 0)
    await bench.close()
  }
})

test('whatever fails or hangs on the way, the process ends, and says so', async () => {
  for (const after of [() => Promise.reject(new Error('no')), () => new Promise<void>(() => undefined)]) {
    const bench = await openBench()
    const source = new EventEmitter()
    const codes: number[] = []
    drainOnSignal(bench.system, { source, after, closeTimeoutMs: 50, exit: (code) => void codes.push(code) })
    source.emit('SIGTERM')
    await bench.clock.advance(100)
    assert.equal(codes, [1])
    await bench.close()
  }
})

test('what is closed after has 25 s where nothing else is said: a telemetry waits for its last scrape', async () => {
  const bench = await openBench()
  const source = new EventEmitter()
  const codes: number[] = []
  const after = (): Promise<void> => new Promise((resolve) => void bench.clock.setTimeout(resolve, 20_000))
  drainOnSignal(bench.system, { source, after, exit: (code) => void codes.push(code) })
  source.emit('SIGTERM')
  await bench.clock.advance(19_000)
  assert.equal(codes, [])
  await bench.clock.advance(2000)
  assert.equal(codes, [0])
  await bench.close()
})

async function run(mode: string, signals: readonly NodeJS.Signals[]): Promise<readonly [number | null, string[]]> {
  const file = fileURLToPath(new URL('drain-child.ts', import.meta.url))
  const child = spawn(process.execPath, ['--conditions=@stigmergy/source', '--import', 'tsx', file, mode], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let out = ''
  let sent = false
  child.stdout.on('data', (chunk: Buffer) => {
    out += String(chunk)
    if (!sent && out.includes('ready')) {
      sent = true
      for (const signal of signals) child.kill(signal)
    }
  })
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  return [code, out.trimEnd().split('\n').slice(1)]
}

test('a real process: SIGTERM lets it finish and end with 0, another signal cuts and ends it with 1', async () => {
  const [finished, cut] = await Promise.all([run('work', ['SIGTERM']), run('hang', ['SIGTERM', 'SIGINT'])])
  assert.equal(finished, [0, ['job 1', 'job 2', 'job 3', '{"finished":["w"],"cut":[]}']])
  assert.is(cut[0], 1)
  assert.match(cut[1].join('\n'), /"cut":\[\{"id":"w","status":"running","waiting":2,"promises":\["0\.worker\.busy"\],"effects":false\}\]/)
})

for (const durability of ['none', 'checkpoint', 'gated'] as const) {
  test(`${durability}: an agent whose command is under way at the deadline was cut, and the report says by what`, async () => {
    const bench = await openBench({ store: memoryStore(), actuators: { arm: () => new Promise(() => {}) } })
    const agent = await bench.system.spawn(createMachine({ on: { go: { actions: command('arm', 'weld') } } }), { id: 'a', durability })
    await bench.system.spawn(createMachine({}), { id: 'b', durability })
    agent.send({ type: 'go' })
    await bench.settle()
    const draining = bench.system.drain({ timeoutMs: 1000 })
    await bench.clock.advance(10_000)
    const { finished, cut } = await draining
    assert.equal([finished, cut], [['b'], [{ id: 'a', status: 'running', waiting: 0, promises: [], effects: true }]])
    await bench.grid.close()
  })
}

test.run()
