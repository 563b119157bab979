import { createVirtualClock, isGridError, type GridErrorCode } from '@stigmergy/grid'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('virtual clock')

async function rejects(run: Promise<unknown>, code: GridErrorCode, text = ''): Promise<void> {
  const error: unknown = await run.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  assert.ok(isGridError(error, code), String(error))
  assert.ok(error.message.includes(text), error.message)
}

test('time moves only when told, and both clocks by the same amount', async () => {
  const clock = createVirtualClock({ startMs: 10.5, wallStartMs: 1_000_000 })
  assert.equal([clock.now(), clock.wallNow()], [10.5, 1_000_000])
  await clock.advance(2)
  await clock.advance(0)
  await clock.runUntil(20)
  await clock.runUntil(15)
  assert.equal([clock.now(), clock.wallNow()], [20, 1_000_009.5])
})

test('timers run by time, at their exact time, those of one instant in the order they were set', async () => {
  const clock = createVirtualClock()
  const ran: string[] = []
  const set = (name: string, delayMs: number): void => void clock.setTimeout(() => ran.push(`${name}@${clock.now()}`), delayMs)
  set('c', 30)
  set('a', 10)
  set('b1', 20.25)
  set('b2', 20.25)
  set('never', 31)
  set('now', -5)
  set('no number', NaN)
  assert.equal([clock.pending, clock.nextAt()], [7, 0])
  await clock.advance(30)
  assert.equal(ran, ['now@0', 'no number@0', 'a@10', 'b1@20.25', 'b2@20.25', 'c@30'])
  assert.equal([clock.now(), clock.pending, clock.nextAt()], [30, 1, 31])
})

test('timers set by timers and by promises run in their turn within the same advance', async () => {
  const clock = createVirtualClock()
  const ran: string[] = []
  const sleep = (ms: number): Promise<void> => new Promise((resolve) => void clock.setTimeout(resolve, ms))
  const walk = async (name: string, ms: number): Promise<void> => {
    for (let step = 0; step < 3; step++) {
      await sleep(ms)
      ran.push(`${name}${clock.now()}`)
    }
  }
  const walks = [walk('a', 10), walk('b', 15)]
  await clock.advance(45)
  assert.equal(ran, ['a10', 'b15', 'a20', 'b30', 'a30', 'b45'])
  await Promise.all(walks)
})

test('promise chains, ticks and immediates settle between two timers of one instant', async () => {
  const clock = createVirtualClock()
  const ran: string[] = []
  clock.setTimeout(() => {
    const chain = async (): Promise<void> => {
      for (let link = 0; link < 100; link++) await Promise.resolve()
      await new Promise((resolve) => process.nextTick(resolve))
      ran.push('chain')
    }
    void chain()
    setImmediate(() => ran.push('immediate'))
  }, 5)
  clock.setTimeout(() => ran.push('second'), 5)
  await clock.advance(5)
  assert.equal(ran, ['chain', 'immediate', 'second'])
})

test('several timers may run between two turns of the event loop; promise chains end between any two of them', async () => {
  const clock = createVirtualClock({ timersPerTurn: 3 })
  const ran: string[] = []
  for (let n = 1; n <= 7; n++) {
    clock.setTimeout(() => {
      const chain = async (): Promise<void> => {
        for (let link = 0; link < 20; link++) await Promise.resolve()
        ran.push(`chain ${n}`)
      }
      ran.push(`timer ${n}`)
      void chain()
      setImmediate(() => ran.push(`turn ${n}`))
    }, n)
  }
  await clock.advance(7)
  const [chains, turns] = [ran.filter((text) => !text.startsWith('turn')), ran.filter((text) => text.startsWith('turn'))]
  assert.equal(
    chains,
    [1, 2, 3, 4, 5, 6, 7].flatMap((n) => [`timer ${n}`, `chain ${n}`]),
  )
  assert.ok(ran.indexOf('turn 1') > ran.indexOf('timer 3') && ran.indexOf('turn 1') < ran.indexOf('timer 4'), ran.join(', '))
  assert.ok(turns.length >= 6, turns.join(', '))
  assert.is(clock.now(), 7)
  for (const timersPerTurn of [0, 1.5, Number.NaN]) {
    assert.throws(() => createVirtualClock({ timersPerTurn }), new RegExp(`timersPerTurn is ${timersPerTurn}`))
  }
})

test('a cleared timer does not run, and clearing is harmless at any time', async () => {
  const clock = createVirtualClock()
  const ran: number[] = []
  const first = clock.setTimeout(() => ran.push(1), 1)
  const second = clock.setTimeout(() => ran.push(2), 1)
  clock.setTimeout(() => clock.clearTimeout(third), 2)
  const third = clock.setTimeout(() => ran.push(3), 2)
  clock.clearTimeout(first)
  clock.clearTimeout(first)
  clock.clearTimeout(undefined)
  assert.equal([clock.pending, clock.nextAt()], [3, 1])
  await clock.advance(10)
  clock.clearTimeout(second)
  assert.equal([ran, clock.pending, clock.nextAt()], [[2], 0, undefined])
})

test('many cleared timers leave no trace and disturb no order', async () => {
  const clock = createVirtualClock()
  const ran: number[] = []
  for (let n = 0; n < 1000; n++) {
    const handle = clock.setTimeout(() => ran.push(n), 1000 - n)
    if (n % 10 !== 0) clock.clearTimeout(handle)
  }
  assert.is(clock.pending, 100)
  await clock.advance(1000)
  assert.equal(
    ran,
    Array.from({ length: 100 }, (_, n) => 990 - n * 10),
  )
})

test('runUntil stops when the condition is met, before the next timer', async () => {
  const clock = createVirtualClock()
  let ticks = 0
  const tick = (): void => {
    ticks++
    clock.setTimeout(tick, 10)
  }
  tick()
  await clock.runUntil(() => ticks === 4)
  assert.equal([ticks, clock.now()], [4, 30])
  await clock.runUntil(() => true)
  assert.is(clock.now(), 30)
})

test('runUntil without a timer left says so instead of waiting for ever', async () => {
  const clock = createVirtualClock()
  clock.setTimeout(() => {}, 7)
  await rejects(
    clock.runUntil(() => false),
    'CLOCK_IDLE',
    'at 7 ms',
  )
})

test('step runs one timer', async () => {
  const clock = createVirtualClock()
  const ran: number[] = []
  clock.setTimeout(() => ran.push(1), 5)
  clock.setTimeout(() => void Promise.resolve().then(() => ran.push(2)), 5)
  assert.is(await clock.step(), true)
  assert.equal([ran, clock.now()], [[1], 5])
  assert.is(await clock.step(), true)
  assert.equal(ran, [1, 2])
  assert.is(await clock.step(), false)
})

test('one run at a time', async () => {
  const clock = createVirtualClock()
  const first = clock.advance(5)
  await rejects(clock.advance(5), 'CLOCK_BUSY')
  await rejects(clock.step(), 'CLOCK_BUSY')
  await first
  assert.is(clock.now(), 5)
})

test('what a timer throws rejects the run, and the clock goes on after it', async () => {
  const clock = createVirtualClock()
  const broken = new Error('broken')
  const ran: number[] = []
  clock.setTimeout(() => {
    throw broken
  }, 1)
  clock.setTimeout(() => ran.push(2), 2)
  const error: unknown = await clock.advance(5).catch((reason: unknown) => reason)
  assert.is(error, broken)
  assert.is(clock.now(), 1)
  await clock.advance(4)
  assert.equal([ran, clock.now()], [[2], 5])
})

test('a signal ends a run that would not end', async () => {
  const clock = createVirtualClock()
  const reason = new Error('enough')
  const controller = new AbortController()
  const tick = (): void => {
    if (clock.now() >= 50) controller.abort(reason)
    clock.setTimeout(tick, 10)
  }
  tick()
  const error: unknown = await clock.runUntil(() => false, { signal: controller.signal }).catch((thrown: unknown) => thrown)
  assert.is(error, reason)
  assert.is(clock.now(), 50)
})

test('bad times are refused', async () => {
  const clock = createVirtualClock()
  await rejects(clock.advance(-1), 'BAD_OPTION', '-1')
  await rejects(clock.advance(NaN), 'BAD_OPTION', 'NaN')
  await rejects(clock.runUntil(Infinity), 'BAD_OPTION', 'Infinity')
  assert.throws(() => createVirtualClock({ startMs: NaN }), /startMs is NaN/)
  assert.throws(() => createVirtualClock({ start: 5 } as never), /no option "start"/)
})

test.run()
