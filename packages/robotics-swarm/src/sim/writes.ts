/** Watches over writes that nobody awaits: a failed one is counted and told, never an unhandled rejection. */
export interface Writes {
  /** `failed` runs after a failure, to put right what the write would have done. */
  attempt(write: Promise<unknown>, failed?: () => void): void
  readonly failed: number
  /** The first failure. */
  readonly firstError: unknown
}

export function createWrites(): Writes {
  let failures = 0
  let firstError: unknown
  return {
    attempt(write, failed) {
      write.catch((error: unknown) => {
        failures += 1
        firstError ??= error
        failed?.()
      })
    },
    get failed() {
      return failures
    },
    get firstError() {
      return firstError
    },
  }
}
