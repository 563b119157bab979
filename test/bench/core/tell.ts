import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSystem, type SpawnOptions } from '@stigmergy/core'
import { openGrid } from '@stigmergy/grid'
import { openDurable } from '@stigmergy/grid/durable'
import { createMemoryStore } from '@stigmergy/grid/store'
import { createActor } from 'xstate'
import { median, type Contender } from '../compare.ts'
import { stopwatch } from './cost.ts'
import { counter, GATE, gatedCounter, nact, reaches, turn, type Counter } from './machines.ts'

const EVENTS = 50_000
const ASKS = 30_000
/** Events between two turns of the event loop: queues and timers get their time, as in a real process. */
const BURST = 500

async function inBursts(send: () => void): Promise<void> {
  for (let sent = 0; sent < EVENTS; sent += BURST) {
    for (let i = 0; i < BURST; i++) send()
    await turn()
  }
}

/** Nanoseconds per event, from the first send until all are handled. */
async function perEvent(send: () => void, handled: () => boolean): Promise<{ readonly cost: number; readonly verified: boolean }> {
  const began = performance.now()
  await inBursts(send)
  const verified = await reaches(handled)
  return { cost: ((performance.now() - began) / EVENTS) * 1e6, verified }
}

const xstate: Contender = {
  name: 'tell xstate',
  async round() {
    const actor = createActor(counter).start()
    const result = await perEvent(
      () => actor.send({ type: 'up' }),
      () => actor.getSnapshot().context.n === EVENTS,
    )
    actor.stop()
    return result
  },
}

const plainNact: Contender = {
  name: 'tell nact',
  async round() {
    const system = nact.start()
    let n = 0
    const actor = nact.spawn(system, (state) => (n = state + 1), 'counter', { initialState: 0 })
    const result = await perEvent(
      () => nact.dispatch(actor, { type: 'up' }),
      () => n === EVENTS,
    )
    nact.stop(system)
    return result
  },
}

function ours(name: string, options: SpawnOptions<typeof counter>): Contender {
  return {
    name,
    async round() {
      const grid = await openGrid()
      const system = createSystem({ grid, store: createMemoryStore() })
      const agent = await system.spawn(counter, { id: 'x', ...options, mailbox: { capacity: 100_000 } })
      const result = await perEvent(
        () => agent.send({ type: 'up' }),
        () => agent.snapshot.context.n === EVENTS,
      )
      await system.close()
      await grid.close()
      return result
    },
  }
}

/** The machine of `tell gated`, by XState alone: it has two actions and reads the clock, which the other one does not. */
const xstateSame: Contender = {
  name: 'tell xstate, same machine',
  async round() {
    let effects = 0
    const machine = gatedCounter(() => {
      effects += 1
    })
    const actor = createActor(machine).start()
    const result = await perEvent(
      () => actor.send({ type: 'up' }),
      () => effects === EVENTS,
    )
    actor.stop()
    return result
  },
}

const waits: number[] = []

/** At saturation, on disk. */
const gated: Contender = {
  name: 'tell gated',
  async round() {
    const path = mkdtempSync(join(tmpdir(), 'stigmergy-bench-'))
    const grid = await openGrid()
    const durable = await openDurable({ path, level: 'process' })
    const system = createSystem({ grid, store: durable.store })
    let effects = 0
    const machine = gatedCounter((ms) => {
      effects += 1
      if (effects % 16 === 0) waits.push(ms)
    })
    const agent = await system.spawn(machine, { id: 'x', durability: 'gated', gate: GATE, mailbox: { capacity: 100_000 } })
    const result = await perEvent(
      () => agent.send({ type: 'up' }),
      () => effects === EVENTS,
    )
    await system.close()
    await grid.close()
    await durable.close()
    await rm(path, { recursive: true })
    return { ...result, verified: result.verified && agent.snapshot.context.n === EVENTS }
  },
}

/** How long an effect waited for its commit, in words. */
export function waitOfEffects(): string {
  const sorted = waits.toSorted((a, b) => a - b)
  return `an effect of tell-gated waits ${median(sorted).toFixed(2)} ms (p99 ${(sorted[Math.floor(sorted.length * 0.99)] ?? 0).toFixed(2)} ms)`
}

/** Microseconds per question, one after the other. */
async function perAsk(ask: () => Promise<unknown>): Promise<{ readonly cost: number; readonly verified: boolean }> {
  let sum = 0
  const costs = stopwatch()
  for (let i = 0; i < ASKS; i++) sum += (await ask()) as number
  return { cost: costs() / ASKS, verified: sum === 7 * ASKS }
}

const askXstate: Contender = {
  name: 'ask xstate',
  async round() {
    const actor: Counter = createActor(counter).start()
    for (let i = 0; i < 7; i++) actor.send({ type: 'up' })
    return perAsk(() => new Promise((resolve) => actor.send({ type: 'ask', replyTo: { send: resolve } })))
  },
}

const askNact: Contender = {
  name: 'ask nact',
  async round() {
    const system = nact.start()
    const answer = (state: number, { sender }: { readonly sender?: unknown }): number => {
      nact.dispatch(sender, 7 as never)
      return state
    }
    const actor = nact.spawn(system, answer, 'counter', { initialState: 7 })
    const result = await perAsk(() => nact.query(actor, (sender) => ({ type: 'ask', sender }), 1000))
    nact.stop(system)
    return result
  },
}

const askOurs: Contender = {
  name: 'ask ours',
  async round() {
    const grid = await openGrid()
    const system = createSystem({ grid })
    const agent = await system.spawn(counter, { id: 'x' })
    for (let i = 0; i < 7; i++) agent.send({ type: 'up' })
    const result = await perAsk(() => agent.ask<number>((replyTo) => ({ type: 'ask', replyTo })))
    await system.close()
    await grid.close()
    return result
  },
}

export const tells: readonly Contender[] = [
  xstate,
  plainNact,
  ours('tell none', { durability: 'none' }),
  ours('tell checkpoint', { durability: 'checkpoint', checkpoint: { transitions: 10, ms: 50 } }),
  gated,
  xstateSame,
]
export const asks: readonly Contender[] = [askXstate, askNact, askOurs]
