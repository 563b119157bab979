/** Told what cannot be read, and why, by those who go on with the next. */
export type TellBroken = (what: string, error: Error) => void

/** What was read; or undefined, where it cannot be and somebody is told so. */
export function readOr<T>(broken: TellBroken | undefined, what: string, read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    return toldOr(broken, what, error)
  }
}

/** Tells it, or throws it where nobody listens. */
export function toldOr(broken: TellBroken | undefined, what: string, error: unknown): undefined {
  if (broken === undefined) throw error
  broken(what, error as Error)
}
