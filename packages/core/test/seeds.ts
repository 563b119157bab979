/** Numbers in [0, 1) from a seed (mulberry32): the same ones on every machine. */
export function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** Runs a property for many seeds; a failure names its seed. */
export async function forSeeds(count: number, property: (random: () => number, seed: number) => void | Promise<void>): Promise<void> {
  const only = process.env['SEED']
  const seeds = only === undefined ? Array.from({ length: count }, (_, i) => i + 1) : [Number(only)]
  for (const seed of seeds) {
    try {
      await property(randomOf(seed), seed)
    } catch (error) {
      throw new Error(`SEED=${seed}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
    }
  }
}

/** A whole number below `n`. */
export const below = (random: () => number, n: number): number => Math.floor(random() * n)
