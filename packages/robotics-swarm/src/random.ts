import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64'

/** A seeded stream of random numbers: the same seed gives the same run on every machine. */
export interface RandomStream {
  /** In [0, 1). */
  uniform(): number
  /** Exponential with the given mean. */
  exponential(mean: number): number
}

/** @param seed any 32-bit integer. @param stream separates independent uses of one seed (arrivals, pick times). */
export function createRandom(seed: number, stream: number): RandomStream {
  const generator = xoroshiro128plus(Math.imul(seed, 0x9e3779b1) ^ Math.imul(stream + 1, 0x85ebca6b))
  // The generator's first outputs still show the seed: throw a few away.
  for (let i = 0; i < 16; i++) generator.next()
  const uniform = (): number => uniformFloat64(generator)
  return { uniform, exponential: (mean) => -Math.log(1 - uniform()) * mean }
}
