import { memoryStore, type Store } from '../src/index.ts'

/** A store whose commits wait for the test. */
export interface SlowStore extends Store {
  /** Commits that wait. */
  readonly waiting: number
  /** Lets the first `count` of them through; those that come later wait again. */
  let(count?: number): void
  /** From now on nothing waits. */
  flow(): void
  /** From now on commits wait. */
  hold(): void
}

export function slowStore(inner: Store = memoryStore()): SlowStore {
  let waiting: (() => void)[] = []
  let holding = false
  return {
    ...inner,
    async commit(...args) {
      if (holding) await new Promise<void>((resolve) => waiting.push(resolve))
      return inner.commit(...args)
    },
    get waiting() {
      return waiting.length
    },
    let(count = 1) {
      for (const go of waiting.splice(0, count)) go()
    },
    hold() {
      holding = true
    },
    flow() {
      holding = false
      for (const go of waiting.splice(0)) go()
      waiting = []
    },
  }
}
