import { createVirtualClock } from '@stigmergy/grid'
import { createFlight, type Flight } from '../../src/recorder/flight.ts'
import type { KeepDecision } from '../../src/recorder/keeper.ts'
import { resolveRecorderOptions, type RecorderOptions } from '../../src/recorder/options.ts'
import { ENDED } from '../../src/recorder/ended.ts'
import type { RecordedSpan } from '../../src/recorder/recorded-span.ts'
import { seeded } from './seeded.ts'

/** The numbers of a transition that ended, as the recorder reads them. */
export function ended(enqueuedAtMs: number, startedAtMs: number, restarts: number, endedAtMs: number): Float64Array {
  const numbers = new Float64Array(ENDED.size)
  numbers[ENDED.enqueuedAtMs] = enqueuedAtMs
  numbers[ENDED.startedAtMs] = startedAtMs
  numbers[ENDED.restarts] = restarts
  numbers[ENDED.endedAtMs] = endedAtMs
  return numbers
}

/** A recorder whose spans and decisions can be looked at. `spans()` drains it first. `soon`: transitions wait until it calls what it is given. */
export function openFlight(options: RecorderOptions = {}, seed = 1, soon?: (settle: () => void) => void) {
  const emitted: RecordedSpan[] = []
  const told: KeepDecision[] = []
  const clock = createVirtualClock()
  let wakes = 0
  let lost = 0
  const flight: Flight = createFlight(resolveRecorderOptions(options), {
    clock,
    random: seeded(seed),
    emit: (span) => void emitted.push(span),
    wake: () => void wakes++,
    lost: (spans) => void (lost += spans),
    tell: (decisions) => void told.push(...decisions),
    soon,
  })
  return {
    clock,
    flight,
    recorder: flight.recorder,
    told,
    emitted,
    wakes: () => wakes,
    /** Spans of kept traces that could not be told. */
    lost: () => lost,
    spans(): readonly RecordedSpan[] {
      while (flight.run(100));
      return emitted
    },
  }
}
