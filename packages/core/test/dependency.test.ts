import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { assign, createMachine } from 'xstate'
import { isCoreError, type CoreErrorCode, type Dependency, type DependencyChange, type DependencyOptions } from '../src/index.ts'
import { openBench, type Bench } from './support.ts'

const test = suite('dependency')

interface Api {
  readonly dependency: Dependency
  readonly changes: string[]
  /** Calls that wait for their end. */
  readonly calls: { readonly signal: AbortSignal; resolve(value: string): void; reject(error: unknown): void }[]
  call(signal?: AbortSignal): Promise<string>
}

async function openApi(options: DependencyOptions = {}): Promise<Api & { bench: Bench }> {
  const changes: string[] = []
  const onDependency = ({ name, from, to, atMs }: DependencyChange): void => void changes.push(`${name} ${from} -> ${to} at ${atMs}`)
  const bench = await openBench({ hooks: { onDependency } })
  const dependency = bench.system.dependency('api', options)
  const calls: Api['calls'] = []
  const call = (signal?: AbortSignal): Promise<string> =>
    dependency.call((given) => new Promise<string>((resolve, reject) => calls.push({ signal: given, resolve, reject })), { signal })
  return { bench, dependency, changes, calls, call }
}

async function refused(promise: Promise<unknown>, code: CoreErrorCode, message = /./): Promise<void> {
  const [result] = await Promise.allSettled([promise])
  const error: unknown = result?.status === 'rejected' ? result.reason : undefined
  assert.ok(isCoreError(error, code), `${code}, not ${String(error)}`)
  assert.match((error as Error).message, message)
}

const fail = (): never => {
  throw new Error('down')
}

const broken = async ({ dependency }: Api, times: number): Promise<void> => {
  for (let i = 0; i < times; i++) await Promise.allSettled([dependency.call(fail)])
}

test('it opens after failures in a row, fails fast, lets one probe through, and closes; the state is told', async () => {
  const api = await openApi({ breaker: { failures: 2, openMs: 100 } })
  const { bench, dependency, changes, calls } = api
  await broken(api, 2)
  assert.equal([dependency.state, dependency.up], ['open', false])
  await refused(api.call(), 'DEPENDENCY_OPEN', /"api" is open/)
  assert.is(calls.length, 0, 'it was not called')
  await bench.clock.advance(100)
  assert.equal([dependency.state, dependency.up], ['half-open', true])
  const probe = api.call()
  await refused(api.call(), 'DEPENDENCY_OPEN', /half-open/)
  await bench.settle()
  calls[0]?.resolve('well')
  assert.is(await probe, 'well')
  assert.is(dependency.state, 'closed')
  assert.equal(changes, ['api closed -> open at 0', 'api open -> half-open at 100', 'api half-open -> closed at 100'])
  const { succeeded, failed, refusedOpen } = dependency.stats
  assert.equal({ succeeded, failed, refusedOpen }, { succeeded: 1, failed: 2, refusedOpen: 2 })
  assert.is(bench.clock.pending, 0)
  await bench.close()
})

test('with a probe of its own it recovers by itself, and nobody else is the probe', async () => {
  let well = false
  const probe = (): void => {
    if (!well) throw new Error('still down')
  }
  const { bench, dependency, ...api } = await openApi({ breaker: { failures: 1, openMs: 100, factor: 2 }, probe })
  await broken({ dependency, ...api }, 1)
  await bench.clock.advance(100)
  assert.equal([dependency.state, dependency.up], ['open', false])
  well = true
  await bench.clock.advance(199)
  await refused(api.call(), 'DEPENDENCY_OPEN')
  await bench.clock.advance(1)
  assert.equal([dependency.state, dependency.up], ['closed', true])
  await bench.close()
})

test('while its own probe is under way, nobody else is let through', async () => {
  let answer: (() => void) | undefined
  const probe = (): Promise<void> => new Promise((resolve) => (answer = resolve))
  const api = await openApi({ breaker: { failures: 1, openMs: 100, probes: 2 }, probe })
  await broken(api, 1)
  await api.bench.clock.advance(100)
  assert.is(api.dependency.state, 'half-open')
  await refused(api.call(), 'DEPENDENCY_OPEN', /half-open/)
  answer?.()
  await api.bench.close()
})

test('a probe that finds no place opens it again: it is not left half open for ever', async () => {
  const api = await openApi({
    breaker: { failures: 1, openMs: 100, factor: 1 },
    bulkhead: { concurrent: 1, waiting: 0 },
    timeoutMs: 10,
    probe: () => 1,
  })
  const { bench, dependency, calls } = api
  const hung = refused(api.call(), 'DEPENDENCY_TIMEOUT', /"api" did not answer within 10 ms/)
  await bench.clock.advance(10)
  await hung
  assert.is(dependency.state, 'open')
  await bench.clock.advance(100)
  assert.equal([dependency.state, dependency.stats.active], ['open', 1])
  calls[0]?.resolve('late')
  await bench.clock.advance(100)
  assert.equal([dependency.state, dependency.stats.active], ['closed', 0])
  await bench.close()
})

test('so many at a time, so many waiting, in order; one more is refused, one that waits too long as well', async () => {
  const api = await openApi({ bulkhead: { concurrent: 1, waiting: 2 }, timeoutMs: 50 })
  const { bench, dependency, calls } = api
  const first = api.call()
  const second = api.call()
  const third = api.call()
  await refused(api.call(), 'DEPENDENCY_BUSY', /1 calls are under way and 2 wait/)
  await bench.clock.advance(40)
  calls[0]?.resolve('1')
  assert.is(await first, '1')
  await bench.settle()
  assert.equal([calls.length, dependency.stats.active, dependency.stats.waiting], [2, 1, 1])
  const late = refused(third, 'DEPENDENCY_BUSY', /no place within 50 ms/)
  await bench.clock.advance(10)
  await late
  calls[1]?.resolve('2')
  assert.is(await second, '2')
  assert.equal([dependency.stats.refusedBusy, dependency.state, bench.clock.pending], [2, 'closed', 0])
  await bench.close()
})

test('those that wait for a place are refused as soon as it opens', async () => {
  const api = await openApi({ bulkhead: { concurrent: 1 }, breaker: { failures: 1 } })
  const first = Promise.allSettled([api.call()])
  const second = refused(api.call(), 'DEPENDENCY_OPEN')
  await api.bench.settle()
  api.calls[0]?.reject(new Error('down'))
  await first
  await second
  assert.is(api.calls.length, 1)
  await api.bench.close()
})

test('the deadline ends the call and tells its signal; one that goes on keeps its place until it ends', async () => {
  const api = await openApi({ timeoutMs: 100, bulkhead: { concurrent: 1, waiting: 0 } })
  const { bench, calls } = api
  const slow = refused(api.call(), 'DEPENDENCY_TIMEOUT')
  await bench.clock.advance(100)
  await slow
  assert.is(calls[0]?.signal.aborted, true)
  await refused(api.call(), 'DEPENDENCY_BUSY')
  calls[0]?.reject(new Error('too late'))
  await bench.settle()
  const next = api.call()
  await bench.settle()
  calls[1]?.resolve('ok')
  assert.is(await next, 'ok')
  assert.equal([api.dependency.stats.timedOut, api.dependency.stats.failed], [1, 1])
  await bench.close()
})

test('a caller that gives up says nothing against it; its signal reaches the call', async () => {
  const api = await openApi({ breaker: { failures: 1 } })
  const controller = new AbortController()
  const call = api.call(controller.signal)
  await api.bench.settle()
  controller.abort(new Error('enough'))
  const [result] = await Promise.allSettled([call])
  assert.is(String(result?.status === 'rejected' && result.reason), 'Error: enough')
  assert.equal([api.calls[0]?.signal.aborted, api.dependency.state, api.dependency.stats.failed], [true, 'closed', 0])
  await api.bench.close()
})

test('it is tried again after growing pauses, but not when that is of no use', async () => {
  let tries = 0
  const times: number[] = []
  const { bench, dependency } = await openApi({
    retry: { attempts: 3, minMs: 10, factor: 3, when: (error) => !String(error).includes('no') },
  })
  const flaky = (): string => {
    times.push(bench.clock.now())
    tries += 1
    if (tries < 3) throw new Error('down')
    return 'well'
  }
  const answer = dependency.call(flaky)
  await bench.clock.advance(100)
  assert.equal([await answer, times, dependency.stats.retried], ['well', [0, 10, 40], 2])
  const never = Promise.allSettled([
    dependency.call(() => {
      tries += 1
      throw new Error('no')
    }),
  ])
  await never
  assert.is(tries, 4)
  assert.is((await Promise.allSettled([dependency.call(fail, { retry: false })]))[0].status, 'rejected')
  assert.is(bench.clock.pending, 0)
  await bench.close()
})

test('errors that do not speak against it do not open it', async () => {
  const { dependency, bench } = await openApi({ breaker: { failures: 1 }, isFailure: (error) => !String(error).includes('down') })
  await Promise.allSettled([dependency.call(fail), dependency.call(fail)])
  assert.is(dependency.state, 'closed')
  await bench.close()
})

test('an agent invokes it as a promise: shared state, and stopping the agent gives up the call', async () => {
  const api = await openApi({ breaker: { failures: 1 } })
  const { bench, dependency, calls } = api
  const plan = dependency.fromPromise<string, number>(
    ({ input, signal }) =>
      new Promise<string>((resolve, reject) => calls.push({ signal, resolve: (value) => resolve(`${value} ${input}`), reject })),
  )
  const machine = createMachine({
    types: {} as { context: { plan: string }; events: { type: 'go' } },
    context: { plan: '' },
    initial: 'idle',
    states: {
      idle: { on: { go: 'planning' } },
      planning: {
        invoke: {
          src: plan,
          input: 7,
          onDone: { target: 'idle', actions: assign({ plan: ({ event }) => String(event.output) }) },
          onError: { target: 'idle', actions: assign({ plan: ({ event }) => (event.error as { code: string }).code }) },
        },
      },
    },
  })
  const [one, two] = [await bench.system.spawn(machine), await bench.system.spawn(machine)]
  one.send({ type: 'go' })
  await bench.settle()
  calls[0]?.resolve('way')
  await bench.settle()
  assert.is(one.snapshot.context.plan, 'way 7')
  one.send({ type: 'go' })
  await bench.settle()
  await one.stop()
  assert.equal([calls[1]?.signal.aborted, dependency.state], [true, 'closed'])
  await broken(api, 1)
  two.send({ type: 'go' })
  await bench.settle()
  assert.is(two.snapshot.context.plan, 'DEPENDENCY_OPEN')
  await bench.close()
})

test('a map behind a dependency: calls to the grid are guarded, only reads are tried again, local reads need nobody', async () => {
  const { bench, dependency } = await openApi({ retry: { attempts: 2, minMs: 0 }, breaker: { failures: 3 } })
  const plain = bench.grid.map<number>('parts')
  let gets = 0
  let puts = 0
  const flaky = Object.assign(Object.create(plain) as typeof plain, {
    get: async () => {
      gets += 1
      if (gets === 1) throw new Error('down')
      return plain.peek('p')
    },
    put: async () => {
      puts += 1
      throw new Error('down')
    },
    peek: (key: string) => plain.peek(key),
  })
  await plain.put('p', 1)
  const parts = dependency.map(flaky)
  const read = parts.get('p')
  await bench.settle()
  assert.equal([(await read)?.value, gets], [1, 2])
  await Promise.allSettled([parts.put('p', 2), parts.put('p', 3), parts.put('p', 4)])
  assert.equal([puts, dependency.state], [3, 'open'])
  await refused(parts.get('p'), 'DEPENDENCY_OPEN')
  assert.is(parts.peek('p')?.value, 1)

  const well = bench.system.dependency('well').map(bench.grid.map<number>('others'))
  await well.put('a', 1)
  await well.putAll([['b', 2] as const].values())
  await well.update('a', (n) => (n ?? 0) + 1)
  assert.is((await well.compareAndSet('c', 0, 3)).ok, true)
  assert.equal([well.size, well.name, well.ageMs(), [...well.entries()].length], [3, 'others', 0, 3])
  assert.is(await well.remove('c'), true)
  assert.is(await well.removeIf('b', well.peek('b')?.version ?? 0), true)
  assert.is(well.index({ by: (n: number) => n }).equals(2).length, 1)
  await well.clear()
  assert.is(well.size, 0)
  await bench.close()
})

test('one name, one dependency; options are given once, and checked', async () => {
  const { bench, dependency } = await openApi()
  assert.is(bench.system.dependency('api'), dependency)
  assert.equal(
    bench.system.dependencies.map(({ name }) => name),
    ['api'],
  )
  const wrong: readonly [string, unknown, RegExp][] = [
    ['api', {}, /"api" has its options/],
    ['', undefined, /name of a dependency is ""/],
    ['x', { timeout: 5 }, /dependency has no option "timeout"/],
    ['x', { breaker: { failures: 0 } }, /breaker\.failures is 0/],
    ['x', { breaker: { openMs: 10, maxOpenMs: 5 } }, /maxOpenMs is 5: give a number of at least 10/],
    ['x', { bulkhead: { size: 1 } }, /bulkhead has no option "size"/],
    ['x', { retry: { attempts: 0 } }, /attempts is 0/],
    ['x', { retry: { when: 'always' } }, /retry\.when is "always": give a function/],
  ]
  for (const [name, options, pattern] of wrong) {
    assert.throws(
      () => bench.system.dependency(name, options as DependencyOptions),
      (error: Error) => isCoreError(error, 'BAD_OPTION') && pattern.test(error.message),
    )
  }
  await bench.close()
})

test('closing the system ends what is under way, what waits and what pauses, and leaves no timer', async () => {
  const api = await openApi({ bulkhead: { concurrent: 1 }, retry: { attempts: 9, minMs: 1000 }, breaker: { failures: 1, openMs: 1000 } })
  const { bench, calls } = api
  const other = bench.system.dependency('other', { retry: { attempts: 9, minMs: 1000 } })
  const ends = [refused(api.call(), 'CLOSED'), refused(api.call(), 'CLOSED'), refused(other.call(fail), 'CLOSED')]
  await bench.settle()
  await bench.system.close()
  await Promise.all(ends)
  assert.is(calls[0]?.signal.aborted, true)
  await refused(api.call(), 'CLOSED')
  assert.throws(() => bench.system.dependency('more'))
  assert.is(bench.clock.pending, 0)
  await bench.close()
})

test.run()
