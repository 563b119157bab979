/** One call per key at a time: who asks while it is under way gets its answer. */
export interface SingleFlight<T> {
  run(key: string, call: () => Promise<T>): Promise<T>
  /** Calls that were answered by another's. */
  readonly shared: number
}

export function createSingleFlight<T>(): SingleFlight<T> {
  const underWay = new Map<string, Promise<T>>()
  let shared = 0
  return {
    get shared() {
      return shared
    },
    run(key, call) {
      const running = underWay.get(key)
      if (running !== undefined) {
        shared += 1
        return running
      }
      const begun = call().finally(() => underWay.delete(key))
      underWay.set(key, begun)
      return begun
    },
  }
}
