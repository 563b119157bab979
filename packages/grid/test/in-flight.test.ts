import { createVirtualClock, GridError } from '@stigmergy/grid'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { InFlight, Operation } from '../src/map/in-flight.ts'

const test = suite('places for operations under way')

/** Ends inside its begin, or when told. */
class Played extends Operation {
  readonly #inFlight: InFlight
  readonly #name: string
  readonly #log: string[]
  readonly #atOnce: boolean

  constructor(inFlight: InFlight, name: string, log: string[], atOnce: boolean) {
    super()
    this.#inFlight = inFlight
    this.#name = name
    this.#log = log
    this.#atOnce = atOnce
  }

  what(): string {
    return this.#name
  }

  begin(): void {
    this.#log.push(this.#name)
    if (this.#atOnce) this.#inFlight.ended(this)
  }

  refuse({ code }: GridError): void {
    this.#log.push(`${this.#name}: ${code}`)
  }
}

test('what loses its connection because the grid is closed says that, and whether anything may have been made', async () => {
  const inFlight = new InFlight({ clock: createVirtualClock(), deadlineMs: 100, maxInFlight: 2 })
  const lost = new GridError('OFFLINE', 'the connection was lost')
  const outcome = (reads: boolean): { readonly said: Promise<string>; readonly fail: () => void } => {
    let fail = (): void => {}
    const call = inFlight.run('call', () => new Promise((_resolve, reject) => (fail = () => reject(lost))), reads)
    return { said: call.then(String, ({ code, message }: GridError) => `${code} ${message}`), fail }
  }
  const open = outcome(false)
  open.fail()
  assert.is(await open.said, 'OFFLINE the connection was lost')
  const [write, read] = [outcome(false), outcome(true)]
  inFlight.close()
  write.fail()
  read.fail()
  assert.is(await write.said, 'CLOSED call: the grid was closed before it ended: outcome unknown')
  assert.is(await read.said, 'CLOSED call: the grid was closed before it ended')
})

test('those that end inside their begin make room in a loop, however many wait', () => {
  const inFlight = new InFlight({ clock: createVirtualClock(), deadlineMs: 100, maxInFlight: 1 })
  const log: string[] = []
  const first = new Played(inFlight, 'first', log, false)
  inFlight.enter(first)
  const many = 50_000
  for (let n = 0; n < many; n++) inFlight.enter(new Played(inFlight, `${n}`, log, true))
  assert.equal([inFlight.running, inFlight.waiting], [1, many])
  inFlight.ended(first)
  assert.equal([inFlight.running, inFlight.waiting, log.length], [0, 0, many + 1])
  assert.equal(
    log.slice(1),
    Array.from({ length: many }, (_, n) => `${n}`),
    'in the order of their calls',
  )
})

test('who is refused keeps its place until it ends, and who was refused while it waited never begins', async () => {
  const clock = createVirtualClock()
  const inFlight = new InFlight({ clock, deadlineMs: 100, maxInFlight: 1 })
  const log: string[] = []
  const operations = ['a', 'b', 'c'].map((name) => new Played(inFlight, name, log, false))
  inFlight.enter(operations[0] as Played)
  await clock.advance(50)
  inFlight.enter(operations[1] as Played)
  await clock.advance(50)
  assert.equal(log, ['a', 'a: TIMEOUT'])
  await clock.advance(50)
  inFlight.enter(operations[2] as Played)
  assert.equal([log.at(-1), inFlight.running, inFlight.waiting], ['b: BUSY', 1, 1])
  inFlight.ended(operations[0] as Played)
  assert.equal([log.at(-1), inFlight.running, inFlight.waiting], ['c', 1, 0])
  inFlight.ended(operations[2] as Played)
  assert.equal([inFlight.running, clock.pending], [0, 0])
})

test('closing refuses what waits', () => {
  const inFlight = new InFlight({ clock: createVirtualClock(), deadlineMs: 100, maxInFlight: 1 })
  const log: string[] = []
  const [first, second] = ['a', 'b'].map((name) => new Played(inFlight, name, log, false))
  inFlight.enter(first as Played)
  inFlight.enter(second as Played)
  inFlight.close()
  inFlight.ended(first as Played)
  assert.equal([log, inFlight.running, inFlight.waiting], [['a', 'b: CLOSED'], 0, 0])
})

test.run()
