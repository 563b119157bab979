import { describeWrite, type GridBackend, type GridDriver, type MapDriver, type TopicDriver } from './driver.ts'
import { quote } from './errors.ts'
import { InFlight } from './map/in-flight.ts'
import { badOption, checkNames } from './options.ts'

export interface BoundedOptions {
  /** How long an operation may take, in milliseconds, waiting for its place included. @default 500 */
  readonly deadlineMs?: number
  /** Operations of one grid under way at a time; further ones wait for a place. @default 256 */
  readonly maxInFlight?: number
}

/**
 * A backend whose every operation has a deadline and a place among a bounded number. An operation that was begun and did not
 * end in time is refused with `GridError` TIMEOUT: its outcome is unknown. One that found no place in time is refused with
 * BUSY: nothing was sent. Near-cache reads never wait, so they go on. Throws BAD_OPTION.
 */
export function bounded(backend: GridBackend, options: BoundedOptions = {}): GridBackend {
  if (typeof (backend as Partial<GridBackend> | undefined)?.open !== 'function') {
    throw badOption('the backend', backend, 'one, such as embedded() or hazelcast()')
  }
  const resolved = resolveBoundedOptions(options)
  return {
    name: backend.name,
    async open(context) {
      const driver = await backend.open(context)
      return boundDriver(driver, new InFlight({ ...resolved, clock: context.clock }))
    },
  }
}

function resolveBoundedOptions(options: BoundedOptions): Required<BoundedOptions> {
  checkNames('bounded', options, ['deadlineMs', 'maxInFlight'])
  const { deadlineMs = 500, maxInFlight = 256 } = options
  if (!Number.isFinite(deadlineMs) || deadlineMs <= 0) throw badOption('deadlineMs', deadlineMs, 'a number of milliseconds above 0')
  if (!Number.isSafeInteger(maxInFlight) || maxInFlight < 1) throw badOption('maxInFlight', maxInFlight, 'a whole number from 1 on')
  return { deadlineMs, maxInFlight }
}

/** `placed`: its maps find places for their commits by themselves, and for the batches of many. */
export function boundDriver(driver: GridDriver, inFlight: InFlight, placed = false): GridDriver {
  const topics = {
    openTopic: (name: string, receive: (message: Uint8Array) => void): TopicDriver => {
      const topic = driver.openTopic?.(name, receive) as TopicDriver
      return {
        publish: (message) => inFlight.run(`publish to ${quote(name)}`, () => topic.publish(message)),
        listening: () => inFlight.run(`listening to ${quote(name)}`, async () => topic.listening?.(), true),
        close: () => topic.close(),
      }
    },
  }
  return {
    supports: driver.supports,
    deadlineMs: inFlight.deadlineMs,
    openMap: (name, feed) => boundMap(driver.openMap(name, feed), name, inFlight, placed),
    ...(driver.openTopic === undefined ? {} : topics),
    close: () => {
      inFlight.close()
      return driver.close()
    },
  }
}

function boundMap(map: MapDriver, name: string, inFlight: InFlight, placed: boolean): MapDriver {
  const of = (operation: string): string => `${operation} of map ${quote(name)}`
  return {
    commit: placed
      ? (write) => map.commit(write)
      : (write) =>
          inFlight.run(
            () => of(describeWrite(write)),
            () => map.commit(write),
          ),
    ...(placed && map.put !== undefined ? { put: (write) => map.put?.(write) as never } : {}),
    commitAll: placed
      ? (writes, signal) => map.commitAll(writes, signal)
      : (writes) => inFlight.run(of(`putAll of ${writes.length} entries`), () => map.commitAll(writes)),
    read: (key, shown, orLost) =>
      inFlight.run(
        () => of(`get of ${quote(key)}`),
        () => map.read(key, shown, orLost),
        true,
      ),
    ...(map.lost === undefined ? {} : { lost: (key) => map.lost?.(key) as boolean }),
    clear: placed ? (removal, signal) => map.clear(removal, signal) : (removal) => inFlight.run(of('clear'), () => map.clear(removal)),
    expired: (key, version) => map.expired(key, version),
    ageMs: (nowMs) => map.ageMs(nowMs),
    // What commits it has a deadline of its own.
    ...(map.stage === undefined ? {} : { stage: (write) => map.stage?.(write) as object }),
    // Bounded by who asks.
    ...(map.caughtUp === undefined ? {} : { caughtUp: (signal) => map.caughtUp?.(signal) as Promise<void> }),
    close: () => map.close(),
  }
}
