import { randomBytes } from 'node:crypto'
import { quote } from '../errors.ts'
import { systemClock, type Clock } from '../time/clock.ts'
import { badOption, checkCount, checkMs, checkNames } from '../store/rules.ts'
import type { AckLevel } from '../store/store.ts'
import type { ObjectBucket } from './bucket.ts'

export interface S3Options {
  /** Where to store: of `connectBucket`, `s3miniBucket` or `awsBucket`. */
  readonly bucket: ObjectBucket
  /**
   * Begins every key, so that several stores may share a bucket: letters, digits, `_.-` and `/`, at most 100; no part of it is `.`, `..`
   * or empty, which a URL does not keep. @default ''
   */
  readonly prefix?: string
  /**
   * What a resolved write promises. Say `host` of a service that flushes before it answers, as Amazon S3 does; a gateway in front of a
   * file system may not, and this cannot be seen from here. @default 'process'
   */
  readonly level?: Exclude<AckLevel, 'none'>
  /** How many revisions of a record are kept, the present one included. Every commit writes all of them. @default 5 */
  readonly revisions?: number
  /** How long an operation may take with all its retries. @default 10000 */
  readonly timeoutMs?: number
  /** How many writes may wait; more are refused with STORE_BUSY. @default 10000 */
  readonly maxPending?: number
  /** @default systemClock() */
  readonly clock?: Clock
  /** From 0 to 1, for the pauses between retries. @default Math.random */
  readonly random?: () => number
  /** Makes ids of writes that never repeat. @default 12 random characters */
  readonly ids?: () => string
}

export type ResolvedS3Options = Required<S3Options>

const NAMES = ['bucket', 'prefix', 'level', 'revisions', 'timeoutMs', 'maxPending', 'clock', 'random', 'ids']

export function resolveS3Options(options: S3Options): ResolvedS3Options {
  checkNames('openS3', options, NAMES)
  const { bucket, prefix = '', level = 'process', clock = systemClock(), random = Math.random } = options
  const { ids = () => randomBytes(9).toString('base64url') } = options
  if (typeof bucket?.put !== 'function') throw badOption('bucket', quote(bucket), 'a bucket of connectBucket, s3miniBucket or awsBucket')
  if (typeof prefix !== 'string' || !/^[\w.\-/]{0,100}$/.test(prefix)) {
    throw badOption('prefix', prefix, 'at most 100 letters, digits, dots, hyphens, underscores and slashes')
  }
  // Else it names another place than it says, or another bucket.
  if (prefix.split('/').some((part, at, parts) => part === '.' || part === '..' || (part === '' && at < parts.length - 1))) {
    throw badOption('prefix', prefix, 'one without the parts . and .., and without an empty part')
  }
  if (level !== 'process' && level !== 'host') throw badOption('level', level, "'process' or 'host'")
  return {
    bucket,
    prefix,
    level,
    revisions: checkCount('revisions', options.revisions ?? 5, 1),
    timeoutMs: checkMs('timeoutMs', options.timeoutMs ?? 10_000),
    maxPending: checkCount('maxPending', options.maxPending ?? 10_000, 1),
    clock,
    random,
    ids,
  }
}
