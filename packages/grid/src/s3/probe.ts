import { createHash } from 'node:crypto'
import { StoreError } from '../store/errors.ts'
import type { ObjectBucket } from './bucket.ts'

const of = (text: string): Uint8Array => Buffer.from(text)

/** `md5`: a tag can be checked against the bytes, as with most servers; `opaque`: it cannot, as where the server encrypts. */
export type TagKind = 'md5' | 'opaque'

/** Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html */
export function md5Tag(bytes: Uint8Array): string {
  return `"${createHash('md5').update(bytes).digest('hex')}"`
}

/**
 * Tries, on an object of its own, whether the server keeps the conditions everything else stands on. There are servers that ignore
 * `If-None-Match` or `If-Match` in silence: with those, every one of twenty racing writers wins.
 * Throws `StoreError` STORE_UNSUPPORTED then. Returns how the server makes its tags.
 */
export async function probeConditions(bucket: ObjectBucket, key: string, signal: AbortSignal): Promise<TagKind> {
  try {
    const first = await bucket.put(key, of('1'), { ifAbsent: true, signal })
    if ((await bucket.put(key, of('2'), { ifAbsent: true, signal })) !== undefined) throw ignored(bucket, 'If-None-Match')
    const second = await bucket.put(key, of('3'), { ifMatch: first ?? '', signal })
    if (!first || !second || first === second)
      throw new StoreError('STORE_UNSUPPORTED', `${bucket.place}: its tags do not tell one write from the next`)
    if ((await bucket.put(key, of('4'), { ifMatch: first, signal })) !== undefined) throw ignored(bucket, 'If-Match')
    const found = await bucket.get(key, { signal })
    if (found?.etag !== second || Buffer.from(found.bytes).toString() !== '3') {
      throw new StoreError('STORE_UNSUPPORTED', `${bucket.place}: a read after a write does not show it`)
    }
    return second === md5Tag(of('3')) ? 'md5' : 'opaque'
  } finally {
    await bucket.delete(key, { signal }).catch(() => undefined)
  }
}

function ignored({ place }: ObjectBucket, header: string): StoreError {
  return new StoreError(
    'STORE_UNSUPPORTED',
    `${place} ignores ${header}, so no write could be fenced there: use a store with conditional PUT`,
  )
}
