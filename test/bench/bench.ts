/** One comparison: our cost over the peer's on the same work, in rounds that took turns. Below 1 is better. */
export interface Row {
  /** What was measured. */
  readonly subject: string
  /** What it is compared with. */
  readonly peer: string
  /** How ours was set up for it, where that is not how it is by default. */
  readonly note?: string
  /** Median over the rounds of our cost / the peer's, and the smallest and greatest. */
  readonly ratio: number
  readonly min: number
  readonly max: number
  /** Of the costs below. */
  readonly unit: string
  /** Median costs. */
  readonly cost: number
  readonly peerCost: number
  /** True if the work was checked to have been done, on both sides, in every round. */
  readonly verified: boolean
  /** Our CPU time / the peer's, of all processes that took part, over all rounds. @default it was not measured */
  readonly cpuRatio?: number
}

/** What a file `test/bench/NAME.bench.ts` exports as `bench`. Measurements are shown, never asserted. */
export interface Bench {
  /** What is compared with what, on which work. */
  readonly title: string
  /** What can be asked for by itself: `pnpm bench NAME ROW...`. @default nothing, it runs whole */
  readonly rows?: readonly string[]
  /** Measures those of its rows that are wanted. */
  readonly run: (wanted: (row: string) => boolean) => Promise<readonly Row[]>
}
