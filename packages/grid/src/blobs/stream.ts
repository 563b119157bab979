import { badOption } from '../store/rules.ts'
import type { BlobSource } from './blobs.ts'

/** The chunks of a source, none longer than `most`; ends when the signal aborts, even if the source never answers. */
export async function* chunksOf(source: BlobSource, signal: AbortSignal | undefined, most: number): AsyncGenerator<Uint8Array> {
  for await (const chunk of abortable(iterable(source), signal)) {
    if (!(chunk instanceof Uint8Array)) throw badOption('chunk', chunk, 'a Uint8Array')
    for (let at = 0; at < chunk.length; at += most) yield chunk.subarray(at, at + most)
  }
}

function iterable(source: BlobSource): AsyncIterable<Uint8Array> | Iterable<Uint8Array> {
  if (source instanceof Uint8Array) return [source]
  if (typeof source === 'object' && source !== null && (Symbol.asyncIterator in source || Symbol.iterator in source)) return source
  throw badOption('source', source, 'a Uint8Array, or a stream or iterable of them')
}

/** Yields until the signal aborts, then throws its reason at once. */
export async function* abortable<T>(source: AsyncIterable<T> | Iterable<T>, signal: AbortSignal | undefined): AsyncGenerator<T> {
  const iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]()
  let stop: (reason: unknown) => void = () => undefined
  const onAbort = (): void => stop(signal?.reason)
  signal?.addEventListener('abort', onAbort)
  let ended = false
  try {
    for (;;) {
      signal?.throwIfAborted()
      // A promise for each step: one race against a lasting promise would hold on to every chunk that won it.
      const step = Promise.resolve(iterator.next())
      const { done, value } = await new Promise<IteratorResult<T>>((resolve, reject) => {
        stop = reject
        step.then(resolve, reject)
      })
      if (done === true) {
        ended = true
        return
      }
      yield value
    }
  } finally {
    signal?.removeEventListener('abort', onAbort)
    // Not awaited: a source that hangs would hang this too.
    if (!ended) void Promise.resolve(iterator.return?.()).catch(() => undefined)
  }
}
