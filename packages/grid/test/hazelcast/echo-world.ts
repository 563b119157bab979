import { createVirtualClock, type VirtualClock } from '@stigmergy/grid'
import { Completeness, type Claim } from '../../src/hazelcast/completeness.ts'
import { OwnWrites, type Announcement } from '../../src/hazelcast/own-writes.ts'
import { Pulse, type PulseMap } from '../../src/hazelcast/pulse.ts'
import { Repairs } from '../../src/hazelcast/repairs.ts'

interface Commit {
  readonly key: string
  readonly version: number
  readonly atMs: number
}

export interface WorldOptions {
  readonly processes: number
  readonly random: () => number
  /** Share of changes that are lost on their way to one process. */
  readonly loss: number
  /** Share of writes that fail and are not made. */
  readonly failing?: number
  /** What beats say, instead of what they should. */
  readonly bug?: (said: Announcement, own: OwnWrites) => Announcement
}

/**
 * Processes that write one map and tell each other by beats, over channels of random delay that lose changes. Every commit is
 * known with its time, so each process's age can be compared with the truth at any moment. The classes are the backend's own.
 */
export class EchoWorld {
  readonly clock: VirtualClock = createVirtualClock()
  readonly commits: Commit[] = []
  readonly present = new Map<string, number>()
  readonly processes: EchoProcess[] = []
  readonly options: WorldOptions
  #version = 0

  constructor(options: WorldOptions) {
    this.options = options
    for (let at = 0; at < options.processes; at++) this.processes.push(new EchoProcess(`p${at}`, this))
  }

  later(run: () => void, longestMs: number): void {
    const { random } = this.options
    // Mostly quick, sometimes slow: the tail is what breaks a bound.
    const ms = random() < 0.05 ? longestMs * (1 + 5 * random()) : longestMs * random()
    this.clock.setTimeout(run, ms)
  }

  commit(key: string): number {
    const version = ++this.#version
    this.present.set(key, version)
    this.commits.push({ key, version, atMs: this.clock.now() })
    return version
  }

  start(): void {
    for (const process of this.processes) process.pulse.start()
  }

  stop(): void {
    for (const { pulse } of this.processes) pulse.stop()
  }

  /** Commits that were made before the time as of which a process says its copy is complete, and are not in it. */
  lies(): string[] {
    return this.processes.flatMap(({ session, completeness, copy }) =>
      this.commits
        .filter(({ atMs, key, version }) => atMs < completeness.completeAtMs && (copy.get(key) ?? 0) < version)
        .map(({ key, version, atMs }) => `${session} lacks ${key}@${version} of ${atMs}, says ${completeness.completeAtMs}`),
    )
  }
}

export class EchoProcess implements PulseMap {
  readonly name = 'm'
  readonly mark = { highest: 1 }
  readonly session: string
  readonly own = new OwnWrites()
  readonly completeness: Completeness = new Completeness(30)
  readonly copy = new Map<string, number>()
  readonly pulse: Pulse
  repairs = 0
  readonly #world: EchoWorld
  readonly #repairs: Repairs
  /** Cut off from the changes of others. */
  deaf = false

  constructor(session: string, world: EchoWorld) {
    this.session = session
    this.#world = world
    const { clock } = world
    const send = (beat: string): Promise<void> =>
      new Promise((resolve) => {
        for (const other of world.processes) world.later(() => other.pulse.hear(session, beat), 2)
        world.later(resolve, 2)
      })
    this.pulse = new Pulse({ session, clock, stampClock: clock, beatMs: 10, silentMs: 3000, marked: () => {}, send })
    const done = (of: string, number: number): void => this.completeness.applied(of, number)
    const readKeys = (keys: readonly string[]): Promise<void> => this.#read(keys)
    const load = (): Promise<void> => this.load()
    this.#repairs = new Repairs({ session, own: this.own, completeness: this.completeness, changes: { done }, copy: { readKeys, load } })
    this.pulse.add(this)
    this.completeness.loaded(clock.now())
  }

  write(key: string): void {
    const world = this.#world
    const { random, loss, failing = 0 } = world.options
    const number = this.own.begin(key)
    if (random() < failing) return world.later(() => this.own.voided(number, this.pulse.next), 4)
    world.later(() => {
      const version = world.commit(key)
      for (const each of world.processes) {
        if (!each.deaf && random() >= loss) world.later(() => each.#apply(key, version, this.session, number), 2)
      }
      world.later(() => this.own.made(number), 4)
    }, 2)
  }

  announce(): Announcement {
    const said = this.own.announce()
    return this.#world.options.bug?.(said, this.own) ?? said
  }

  heard(session: string, said: Announcement | undefined, claim: Omit<Claim, 'n'>): void {
    for (const number of said?.voids ?? []) this.completeness.applied(session, number)
    if (said !== undefined) this.#repairs.named(session, said)
    this.completeness.claim(session, { ...claim, n: said?.n ?? 0 })
  }

  asked(numbers: readonly number[], beat: number): void {
    this.own.asked(numbers, beat)
  }

  heardByAll(beat: number): void {
    this.own.heard(beat)
  }

  tick(nowMs: number): ReadonlyMap<string, readonly number[]> {
    return this.#repairs.tick(nowMs)
  }

  ended(session: string, how: 'closed' | 'silent'): void {
    this.#repairs.ended(session, how)
  }

  async load(): Promise<void> {
    const startedAtMs = this.#world.clock.now()
    await this.#read([...this.#world.present.keys()])
    this.completeness.loaded(startedAtMs)
  }

  async #read(keys: readonly string[]): Promise<void> {
    this.repairs++
    await new Promise<void>((resolve) => this.#world.later(resolve, 2))
    const found = keys.map((key) => [key, this.#world.present.get(key) ?? 0] as const)
    await new Promise<void>((resolve) => this.#world.later(resolve, 2))
    for (const [key, version] of found) this.#put(key, version)
  }

  #apply(key: string, version: number, session: string, number: number): void {
    this.#put(key, version)
    this.completeness.applied(session, number)
  }

  #put(key: string, version: number): void {
    if ((this.copy.get(key) ?? 0) < version) this.copy.set(key, version)
  }
}
