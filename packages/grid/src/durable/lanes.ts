/** Runs jobs of one name after each other, and those of other names beside them. */
export interface Lanes {
  /** Starts at once if no earlier job of these names is under way. */
  run<T>(names: readonly string[], job: () => Promise<T>): Promise<T>
}

export function createLanes(): Lanes {
  const tails = new Map<string, Promise<void>>()
  return {
    async run(names, job) {
      const before = names.flatMap((name) => tails.get(name) ?? [])
      let leave = (): void => undefined
      const tail = new Promise<void>((resolve) => {
        leave = resolve
      })
      for (const name of names) tails.set(name, tail)
      try {
        if (before.length > 0) await Promise.all(before)
        return await job()
      } finally {
        for (const name of names) if (tails.get(name) === tail) tails.delete(name)
        leave()
      }
    },
  }
}
