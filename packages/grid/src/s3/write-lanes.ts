import { quote } from '../errors.ts'
import { StoreError } from '../store/errors.ts'
import type { Operations } from '../store/operations.ts'
import type { ResolvedS3Options } from './options.ts'
import { createRecent } from './recent.ts'
import type { Register, Seen } from './register.ts'
import { toFields, toState, type State } from './state.ts'

/** What becomes of the state of an id, and the answer. Throws to refuse. It may be asked again, on another state. */
export type Plan<T> = (state: State | undefined) => { readonly state: State | undefined; readonly result: T }

/** Writes by id: each decides on what is stored, in the order they were asked for. */
export interface WriteLanes {
  /** Those of one id that are asked for while one is under way share the next PUT: one write may answer many. */
  write<T>(id: string, key: string, plan: Plan<T>): Promise<T>
}

interface Job {
  readonly plan: Plan<unknown>
  resolve(result: unknown): void
  reject(error: unknown): void
}

/** How many writes share one PUT at most. */
const GROUP = 64

export function createWriteLanes(options: ResolvedS3Options, register: Register, operations: Operations): WriteLanes {
  const recent = createRecent()
  const lanes = new Map<string, Job[]>()
  let pending = 0

  /** Writes what the jobs make of the state. Decides on what was seen last, but refuses only on what was read just now. */
  async function group(key: string, jobs: readonly Job[], signal: AbortSignal): Promise<void> {
    const remembered = recent.get(key)
    let fresh = remembered === undefined
    let seen: Seen = remembered ?? (await register.read(key, signal))
    for (;;) {
      const { state, answers, refused } = decide(seen, jobs)
      if (refused && !fresh) {
        seen = await register.read(key, signal)
        fresh = true
        continue
      }
      if (state !== undefined && answers.some(({ accepted }) => accepted)) {
        const { swapped, now } = await swap(key, seen, state, signal)
        if (!swapped) {
          seen = now ?? (await register.read(key, signal))
          fresh = true
          continue
        }
      }
      for (const { tell } of answers) tell()
      return
    }
  }

  async function swap(key: string, seen: Seen, state: State, signal: AbortSignal): ReturnType<Register['swap']> {
    // Whatever happens, what was seen before is not what holds now.
    recent.set(key, undefined)
    const done = await register.swap(key, seen, toFields(state), signal)
    if (done.swapped) recent.set(key, done.now)
    return done
  }

  async function drain(id: string, key: string, lane: Job[]): Promise<void> {
    while (lane.length > 0) {
      const jobs = lane.splice(0, GROUP)
      try {
        await operations.run(`a write of ${quote(id)}`, (signal) => group(key, jobs, signal))
      } catch (error) {
        for (const { reject } of jobs) reject(error)
      }
      pending -= jobs.length
    }
    lanes.delete(id)
  }

  return {
    write<T>(id: string, key: string, plan: Plan<T>) {
      if (pending >= options.maxPending) {
        return Promise.reject(new StoreError('STORE_BUSY', `${pending} writes wait; maxPending is ${options.maxPending}`))
      }
      pending += 1
      return new Promise<T>((resolve, reject) => {
        const job: Job = { plan, resolve: resolve as Job['resolve'], reject }
        const lane = lanes.get(id)
        if (lane !== undefined) lane.push(job)
        else {
          const begun = [job]
          lanes.set(id, begun)
          void drain(id, key, begun)
        }
      })
    },
  }
}

interface Answer {
  readonly accepted: boolean
  tell(): void
}

function decide(
  seen: Seen,
  jobs: readonly Job[],
): { readonly state: State | undefined; readonly answers: readonly Answer[]; readonly refused: boolean } {
  let state = toState(seen.fields)
  const answers = jobs.map(({ plan, resolve, reject }): Answer => {
    try {
      const next = plan(state)
      state = next.state
      return { accepted: true, tell: () => resolve(next.result) }
    } catch (error) {
      return { accepted: false, tell: () => reject(error) }
    }
  })
  return { state, answers, refused: answers.some(({ accepted }) => !accepted) }
}
