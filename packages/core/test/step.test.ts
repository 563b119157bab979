import { createVirtualClock } from '@stigmergy/grid'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { assign, createMachine, emit, fromCallback, sendTo, type AnyEventObject, type AnyStateMachine } from 'xstate'
import { Audience } from '../src/life/audience.ts'
import { createGuests } from '../src/guests.ts'
import { Host } from '../src/cell/host.ts'
import type { HostOwner } from '../src/cell/host-owner.ts'
import { Deciding } from '../src/cell/stepper.ts'
import { stopChildren, type Step } from '../src/cell/step.ts'

const test = suite('step')

/** An agent's machine alone, whose effects are released by `release`, in the way the test wants. */
class Stepped implements HostOwner {
  readonly refuses = (): boolean => false
  readonly host: Host
  readonly #onStep: (step: Step, release: () => void) => void
  readonly audience: Audience
  error: unknown

  constructor(machine: AnyStateMachine, onStep: (step: Step, release: () => void) => void, emitted = (): void => undefined) {
    this.#onStep = onStep
    const guests = createGuests()
    this.audience = new Audience(guests)
    this.audience.on('emitted', emitted)
    this.host = new Host(
      {
        id: 'a',
        machine,
        environment: { clock: createVirtualClock(), logger: () => undefined, deciding: new Deciding(), slot: { current: undefined } },
        gate: undefined,
      },
      this,
    )
    this.host.prepare(undefined, undefined)
    this.host.start(() => undefined)
  }

  get snapshot() {
    return this.host.snapshot
  }

  handle(event: AnyEventObject): void {
    try {
      const step = this.host.step(event)
      this.#onStep(step, () => this.host.release(step.effects, step.snapshot))
    } catch (error) {
      this.error = error
    }
  }

  send(event: AnyEventObject): void {
    this.host.send(event)
  }

  enters(): void {}

  dispatch(): void {}

  because(_trace: unknown, fn: () => void): void {
    fn()
  }

  stop(): void {
    this.host.stop()
  }
}

const stepped = (machine: AnyStateMachine, onStep: (step: Step, release: () => void) => void, emitted?: () => void): Stepped =>
  new Stepped(machine, onStep, emitted)

test('effects are withheld until released, and then run in order', () => {
  const log: string[] = []
  const child = fromCallback<{ type: string }>(({ receive }) => {
    log.push('child starts')
    receive((event) => log.push(`child has ${event.type}`))
    return () => log.push('child stops')
  })
  const machine = createMachine({
    context: { n: 0 },
    initial: 'a',
    states: {
      a: { on: { go: 'b' }, exit: () => log.push('exit a') },
      b: {
        entry: [({ context }) => log.push(`entry with ${String(context['n'])}`), assign({ n: 1 }), emit({ type: 'emitted' })],
        invoke: { id: 'kid', src: child },
        on: { poke: { actions: [sendTo('kid', { type: 'poked' }), () => log.push('action after the send')] }, back: 'a' },
      },
    },
  })
  const actor = stepped(
    machine,
    (step, release) => {
      log.push(`-- ${JSON.stringify(step.snapshot.value)}`)
      release()
    },
    () => void log.push('emitted'),
  )
  actor.send({ type: 'go' })
  assert.equal(log, ['-- "b"', 'exit a', 'entry with 0', 'emitted', 'child starts'])
  assert.is(actor.snapshot.context.n, 1)

  log.length = 0
  actor.send({ type: 'poke' })
  // As in plain XState: own actions at once, what goes to other actors when the step is done.
  assert.equal(log, ['-- "b"', 'action after the send', 'child has poked'])

  log.length = 0
  actor.send({ type: 'back' })
  assert.equal(log, ['-- "a"', 'child stops'])
  actor.stop()
})

test('what is not released does not happen', () => {
  const log: string[] = []
  const machine = createMachine({ initial: 'a', states: { a: { on: { go: 'b' } }, b: { entry: () => log.push('entered') } } })
  const actor = stepped(machine, (step) => assert.is(step.effects.length, 1))
  actor.send({ type: 'go' })
  assert.equal(log, [])
  actor.stop()
})

test('an action that throws leaves the snapshot before it, and those after it do not run', () => {
  const log: string[] = []
  const boom = (): never => {
    throw new Error('boom')
  }
  const machine = createMachine({
    context: { n: 1 },
    initial: 'a',
    states: { a: { on: { go: { target: 'b', actions: [assign({ n: 2 }), () => log.push('one'), boom, () => log.push('two')] } } }, b: {} },
  })
  const actor = stepped(machine, (_step, release) => release())
  actor.send({ type: 'go' })
  const { status, value, context } = actor.snapshot as { status: string; value: unknown; context: unknown }
  assert.match(String(actor.error), 'boom')
  assert.equal({ status, value, context }, { status: 'active', value: 'a', context: { n: 1 } })
  assert.equal(log, ['one'])
})

test('a child is invoked again under the same system id in one step', () => {
  let starts = 0
  const child = fromCallback(() => void (starts += 1))
  const machine = createMachine({
    initial: 'a',
    states: { a: { invoke: { src: child, systemId: 'camera' }, on: { again: { target: 'a', reenter: true } } } },
  })
  const actor = stepped(machine, (_step, release) => release())
  actor.send({ type: 'again' })
  assert.is(actor.snapshot.status, 'active')
  assert.is(starts, 2)
  actor.stop()
})

test('eventless transitions without end are an error, not a hang', () => {
  const loop = {
    initial: 'a',
    states: { a: { on: { go: 'b' } }, b: { always: 'c' }, c: { always: 'b' } },
  } as const
  const actor = stepped(createMachine(loop), (_step, release) => release())
  actor.send({ type: 'go' })
  assert.match(String(actor.error), /took 5000 steps/)

  const own = stepped(createMachine({ ...loop, options: { maxIterations: 7 } }), (_step, release) => release())
  own.send({ type: 'go' })
  assert.match(String(own.error), /took 7 steps/)
})

test('stopChildren reaches the children of a child that has failed', () => {
  let ticking = 0
  const ticker = fromCallback(() => {
    ticking += 1
    return () => {
      ticking -= 1
    }
  })
  const middle = createMachine({
    invoke: { src: ticker },
    on: {
      boom: {
        actions: () => {
          throw new Error('boom')
        },
      },
    },
  })
  const machine = createMachine({
    invoke: { id: 'middle', src: middle, onError: {} },
    on: { pass: { actions: sendTo('middle', { type: 'boom' }) } },
  })
  const actor = stepped(machine, (_step, release) => release())
  assert.is(ticking, 1)
  actor.send({ type: 'pass' })
  assert.is(ticking, 1, 'XState leaves the grandchild running')
  stopChildren(actor.snapshot)
  assert.is(ticking, 0)
})

test.run()
