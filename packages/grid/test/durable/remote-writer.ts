import { GridError, type Entry, type Grid, type GridErrorCode, type GridMap, type MapOptions, type WriteOptions } from '@stigmergy/grid'
import { StoreError, type StoreErrorCode } from '@stigmergy/grid/store'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'

const CHILD = fileURLToPath(new URL('remote-writer-child.ts', import.meta.url))
const ROOT = fileURLToPath(new URL('../../../..', import.meta.url))
/** Writes of a map, and where their options stand. */
const WRITES = { put: 2, putAll: 1, remove: 1, compareAndSet: 3, removeIf: 2, clear: 0 } as const

type Method = keyof typeof WRITES

/** What is asked of the other process, of one of its grids. */
export type Asked = { readonly call: number; readonly grid: number } & (
  | { readonly what: 'open'; readonly path: string; readonly id: string }
  | { readonly what: 'close' }
  | { readonly what: 'publish'; readonly topic: string; readonly message: unknown }
  | { readonly what: 'write'; readonly map: string; readonly options: object; readonly method: Method; readonly args: readonly unknown[] }
)

export interface Answer {
  readonly call: number
  readonly result?: unknown
  readonly error?: { readonly name: string; readonly message: string; readonly code: string | undefined }
}

type Question = Asked extends infer Each ? (Each extends Asked ? Omit<Each, 'call' | 'grid'> : never) : never

export interface RemoteWriter {
  /** How often the other process was asked so far. */
  readonly calls: number
  /**
   * A grid that reads as `local`, and whose writes are made by the other process. `caughtUp` resolves when `local` has been told all that
   * was committed before.
   */
  grid(local: Grid, path: string, caughtUp: () => Promise<void>): Promise<Grid>
  close(): Promise<void>
}

/** A process that writes. */
export async function startRemoteWriter(): Promise<RemoteWriter> {
  const child = fork(CHILD, { cwd: ROOT, execArgv: ['--conditions=@stigmergy/source', '--import', 'tsx'], serialization: 'advanced' })
  const exited = once(child, 'exit')
  const waiting = new Map<number, (answer: Answer) => void>()
  let calls = 0
  let grids = 0
  child.on('message', (answer: Answer) => waiting.get(answer.call)?.(answer))

  function ask(grid: number, question: Question): Promise<unknown> {
    const call = ++calls
    return new Promise((resolve, reject) => {
      // Throws, and so rejects, for what cannot travel.
      child.send({ call, grid, ...question } as Asked)
      waiting.set(call, ({ result, error }) => {
        waiting.delete(call)
        if (error === undefined) resolve(result)
        else reject(toError(error))
      })
    })
  }

  return {
    get calls() {
      return calls
    },
    async grid(local, path, caughtUp) {
      const at = ++grids
      await ask(at, { what: 'open', path, id: local.id })
      const maps = new Map<string, GridMap<unknown>>()
      let closed = false
      const map = (name: string, options?: MapOptions<unknown>): GridMap<unknown> => {
        const opened = local.map(name, options)
        const known = maps.get(name)
        if (known !== undefined) return known
        const made = options === undefined || travels(options) ? remoteMap(opened, options ?? {}) : opened
        maps.set(name, made)
        return made
      }

      function remoteMap(reads: GridMap<unknown>, options: MapOptions<unknown>): GridMap<unknown> {
        const write = async (method: Method, ...args: readonly unknown[]): Promise<unknown> => {
          // What no process could send, or no grid would take, is refused by whoever is asked.
          const here = own(reads, method) as (...all: readonly unknown[]) => Promise<unknown>
          if (closed || !args.every(canTravel)) return here(...args)
          const sent = withTrace(method, args, local)
          const result = await ask(at, { what: 'write', map: reads.name, options, method, args: sent })
          await caughtUp()
          return asHere(result, reads, args[0] as string)
        }
        const replaced: Record<string, unknown> = Object.fromEntries(
          Object.keys(WRITES).map((method) => [method, write.bind(undefined, method as Method)]),
        )
        replaced['putAll'] = (values: Iterable<unknown>, given: unknown) => write('putAll', Array.from(values), given)
        replaced['update'] = async (key: string, fn: (value: unknown) => unknown, given?: WriteOptions) => {
          for (;;) {
            const current = await reads.get(key, { consistency: 'strong' })
            const value = fn(current?.value)
            if (value === undefined) return current
            if (value instanceof Promise) return reads.update(key, () => value)
            const done = (await write('compareAndSet', key, current?.version ?? 0, value, given)) as { ok: boolean; entry: unknown }
            if (done.ok) return done.entry
          }
        }
        return new Proxy(reads, { get: (target, name) => replaced[name as string] ?? own(target, name) })
      }

      const topics = new Map<string, unknown>()
      const topic = (name: string): unknown => {
        const opened = local.topic(name)
        const known = topics.get(name)
        if (known !== undefined) return known
        const publish = async (message: unknown): Promise<void> => {
          if (closed) return opened.publish(message)
          await ask(at, { what: 'publish', topic: name, message })
          await caughtUp()
        }
        const made = new Proxy(opened, { get: (target, member) => (member === 'publish' ? publish : own(target, member)) })
        topics.set(name, made)
        return made
      }
      const close = async (): Promise<void> => {
        closed = true
        await ask(at, { what: 'close' })
        await local.close()
      }
      const replaced: Record<string, unknown> = { map, topic, close }
      return new Proxy(local, { get: (target, name) => replaced[name as string] ?? own(target, name) })
    },
    async close() {
      child.disconnect()
      await exited
    },
  }
}

/** Functions do not travel, and what a process holds of a map, or counts of its writes, is its own affair. */
function travels({ upgrade, interest, maxEntries, merge, coalesceWrites }: MapOptions<unknown>): boolean {
  return [upgrade, interest, maxEntries, coalesceWrites].every((each) => each === undefined) && typeof merge !== 'function'
}

/** An entry as this process was told of it, if it is the one that was written: when it arrived is by its own clock. */
function asHere(result: unknown, reads: GridMap<unknown>, key: string): unknown {
  const held = typeof key === 'string' ? reads.peek(key) : undefined
  const here = (entry: unknown): unknown =>
    held !== undefined && (entry as Entry<unknown> | undefined)?.version === held.version ? held : entry
  if (typeof result !== 'object' || result === null) return result
  const { entry, current } = result as { readonly entry?: unknown; readonly current?: unknown }
  if (entry !== undefined) return { ...result, entry: here(entry) }
  return 'ok' in result ? { ...result, current: here(current) } : here(result)
}

/** Of the object behind a proxy: its methods have private fields to reach. */
function own(target: object, name: string | symbol): unknown {
  const member: unknown = Reflect.get(target, name, target)
  return typeof member === 'function' ? (member as (...args: unknown[]) => unknown).bind(target) : member
}

function canTravel(value: unknown): boolean {
  if (typeof value === 'object' && value !== null && 'signal' in value) return true
  try {
    return isDeepStrictEqual(structuredClone(value), value)
  } catch {
    return false
  }
}

/** The arguments with the trace that is running here, and without the signal, which cannot travel. */
function withTrace(method: Method, args: readonly unknown[], local: Grid): readonly unknown[] {
  const { signal, ...options } = (args[WRITES[method]] ?? {}) as WriteOptions
  signal?.throwIfAborted()
  const trace = options.trace ?? local.trace.current
  const sent = args.slice(0, WRITES[method])
  return method === 'clear' ? sent : [...sent, trace === undefined ? options : { ...options, trace }]
}

function toError({ name, message, code }: NonNullable<Answer['error']>): Error {
  if (name === 'GridError') return new GridError(code as GridErrorCode, message)
  if (name === 'StoreError') return new StoreError(code as StoreErrorCode, message)
  return Object.assign(new Error(message), { name })
}
