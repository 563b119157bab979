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
