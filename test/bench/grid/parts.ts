/** What is read and written: about 200 bytes as JSON. */
export interface Part {
  readonly n: number
  readonly kind: string
  readonly x: number
  readonly y: number
  readonly owner: string
  readonly tags: readonly string[]
  readonly note: string
}

export function partOf(n: number): Part {
  return { n, kind: 'bracket', x: n / 10, y: 0.25, owner: `robot-${n % 40}`, tags: ['steel', 'drilled'], note: 'n'.repeat(80) }
}

/** Numbers in [0, 1) from a seed. Mulberry32, https://gist.github.com/tommyettinger/46a874533244883189143505d203312c */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
