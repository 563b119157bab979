/** One measured number. */
export interface Row {
  readonly name: string
  readonly value: number
  readonly unit: string
}

/** What a file `test/bench/NAME.bench.ts` exports as `bench`. Measurements are shown, never asserted. */
export interface Bench {
  /** What is compared with what, on which work. */
  readonly title: string
  readonly run: () => Promise<readonly Row[]>
}
