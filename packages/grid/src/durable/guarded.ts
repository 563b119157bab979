import { diskError } from './disk-errors.ts'
import type { Environment } from './environment.ts'

type Place = Pick<Environment, 'options'>

/** A read of lmdb, which throws errors of its own where a page is damaged: here as the `StoreError` that says so. */
export function guarded<T>({ options }: Place, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw diskError(error, options.path)
  }
}

/** The same for what is read step by step. What is thrown where it is used goes its own way. */
export function* guardedRange<T>(place: Place, begin: () => Iterable<T>): Generator<T> {
  const iterator = guarded(place, () => begin()[Symbol.iterator]())
  try {
    for (;;) {
      const step = guarded(place, () => iterator.next())
      if (step.done === true) return
      yield step.value
    }
  } finally {
    iterator.return?.()
  }
}

/** So many rows are read at a time. */
const PART = 256
const ZERO = Buffer.alloc(1)

/**
 * The same for what is used over many turns, in parts. Between two of them lmdb has nothing open: it would keep each page that is given back
 * meanwhile (I6), and would not survive that the file is closed. `take` copies what it needs. Throws CLOSED at the next part after closing.
 */
export function* inParts<R, T>(
  environment: Pick<Environment, 'check' | 'options' | 'refresh'>,
  start: Buffer,
  begin: (range: { readonly start: Buffer; readonly limit: number }) => Iterable<R>,
  take: (row: R) => { readonly key: Buffer; readonly found: T },
): Generator<T> {
  for (let from = start; ;) {
    environment.check()
    environment.refresh()
    const part = Array.from(
      guardedRange(environment, () => begin({ start: from, limit: PART })),
      take,
    )
    for (const { found } of part) yield found
    const last = part.at(-1)
    if (last === undefined || part.length < PART) return
    from = Buffer.concat([last.key, ZERO])
  }
}
