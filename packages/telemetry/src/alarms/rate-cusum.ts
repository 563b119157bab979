/** A CUSUM over events in time: each adds 1, and it forgets `k` for each event that is expected. It alarms at `h` or more. */
export interface RateCusum {
  readonly k: number
  readonly h: number
  /** Events until it alarms while nothing is wrong, on average. At least what was asked for. */
  readonly runLength: number
}

/** Steps of the equation below in one unit of the sum: twice as many change run lengths by less than 0.1 %. */
const STEPS = 200
/** Run lengths double with each unit of the sum where twice the rate is looked for: far beyond what a budget can ask. */
const MOST = 200

/**
 * A CUSUM for events that are Poisson in time, tuned to find `times` their expected rate, with at most one false alarm in `runLength`
 * events that are expected. There are no windows: with such, what falls into which depends on when they begin, and rates below one in a
 * window are not found. Source of `k`: J. M. Lucas, "Counted Data CUSUM's", Technometrics 27 (1985), for windows that shrink to nothing.
 *
 * Run length: the sum is a process without negative jumps that is reflected at 0, so that it reaches `h` after
 * W(h)^2 / W'(h) - integral of W from 0 to h, where W is its scale function: F. Avram, A. E. Kyprianou and M. R. Pistorius, "Exit problems
 * for spectrally negative Levy processes", Annals of Applied Probability 14 (2004). In units in which the sum forgets 1 in a unit of time,
 * `rate` events come in it, and what W lacks of its limit 1 / (1 - rate) is `rate` times its own integral over the last unit.
 * Throws RangeError unless `times` is from 1.1 to 100 and `runLength` from 0.
 */
export function rateCusum(times: number, runLength: number): RateCusum {
  if (!(times >= 1.1 && times <= 100)) throw new RangeError(`times is ${times}: give a number from 1.1 to 100`)
  if (!(runLength >= 0 && runLength <= 1e15)) throw new RangeError(`runLength is ${runLength}: give a number of events from 0 to 1e15`)
  const rate = Math.log(times) / (times - 1)
  const k = 1 / rate
  // The first event is an alarm.
  if (runLength <= 1) return { k, h: 1, runLength: 1 }
  const all = 1 / (1 - rate)
  const width = 1 / STEPS
  /** What W lacks at each step; before 0 it is all of it. */
  const lacks = [all - 1]
  const at = (step: number): number => (step < 0 ? all : (lacks[step] as number))
  let ofLastUnit = all
  let untilNow = 0
  for (let step = 1; step <= MOST * STEPS; step++) {
    // By trapezoids: the oldest one leaves the last unit, and a new one comes, in which the value itself stands.
    const oldest = step <= STEPS ? all : (at(step - 1 - STEPS) + at(step - STEPS)) / 2
    const known = ofLastUnit - width * oldest + (width * at(step - 1)) / 2
    const lack = (rate * known) / (1 - (rate * width) / 2)
    ofLastUnit = known + (width * lack) / 2
    untilNow += (width * (at(step - 1) + lack)) / 2
    lacks.push(lack)
    if (step <= STEPS) continue
    const x = step * width
    const w = all - lack
    const slope = rate * (at(step - STEPS) - lack)
    const events = rate * (w ** 2 / slope - (x * all - untilNow))
    if (events >= runLength) return { k, h: x, runLength: events }
  }
  throw new RangeError(`no limit gives ${runLength} events: ${times} times their rate is too little to be found`)
}
