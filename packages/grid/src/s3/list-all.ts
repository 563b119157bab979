import type { ListedObject, ObjectBucket } from './bucket.ts'
import type { Operations } from '../store/operations.ts'

/** Every object under a prefix, a page at a time. */
export async function* listAll(bucket: ObjectBucket, operations: Operations, prefix: string): AsyncGenerator<readonly ListedObject[]> {
  for (let after: string | undefined; ;) {
    const { objects, more } = await operations.run(`a list of ${prefix}`, (signal) =>
      operations.retry(signal, () => bucket.list({ prefix, signal, ...(after !== undefined && { after }) })),
    )
    yield objects
    after = objects.at(-1)?.key
    if (!more || after === undefined) return
  }
}
