import { isStoreError, StoreError, type StoreErrorCode } from '../store/errors.ts'

/** What a client tells of a failed call, as far as it tells it. */
export interface ObjectFailure {
  /** HTTP status; undefined if there was no answer. */
  readonly status: number | undefined
  /** The code of S3, or of the network: `NoSuchBucket`, `ECONNREFUSED`. */
  readonly code: string | undefined
  readonly message: string
}

const NOT_THERE = new Set(['NoSuchKey', 'NotFound'])
const REGION = new Set(['AuthorizationHeaderMalformed', 'AuthorizationQueryParametersError', 'PermanentRedirect', 'TemporaryRedirect'])
const FULL = new Set(['QuotaExceeded', 'NoSpaceLeftOnDevice', 'XMinioStorageFull', 'InsufficientStorage'])

/** The object is not there, which is an answer and no error. A missing bucket or account is one, though its status is 404 as well. */
export function isAbsent({ status, code }: ObjectFailure): boolean {
  return status === 404 && code !== undefined && NOT_THERE.has(code)
}

/** The upload to abort is not there: it was completed or aborted before. */
export function isGone({ status }: ObjectFailure): boolean {
  return status === 404
}

/** The condition of a put does not hold. `If-Match` on an object that is gone is answered by 404. */
export function isRefused(failure: ObjectFailure): boolean {
  return failure.status === 412 || isAbsent(failure)
}

/**
 * Turns a failed call into an error that says what to do.
 * Source of the codes: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
 */
export function objectError(failure: ObjectFailure, place: string, cause: unknown): StoreError {
  const { status, code = '' } = failure
  const [kind, advice] = judge(status, code)
  const told = [status, code, failure.message].filter((part) => part !== undefined && part !== '').join(' ')
  return new StoreError(kind, `${place}: ${advice} (${told})`, { cause })
}

function judge(status: number | undefined, code: string): readonly [StoreErrorCode, string] {
  if (code === 'RequestTimeTooSkewed' || code === 'RequestExpired') return ['STORE_CLOCK', 'set the clock of this machine right']
  if (code === 'NoSuchBucket') return ['STORE_ACCESS', 'there is no such bucket: make it, or correct its name']
  if (REGION.has(code) || status === 301 || status === 307)
    return ['STORE_ACCESS', 'the bucket is in another region: correct the region, and the endpoint if it names one']
  if (FULL.has(code) || status === 507) return ['STORE_FULL', 'it has no room left']
  if (code === 'NotImplemented' || status === 501) return ['STORE_UNSUPPORTED', 'it does not know this request']
  // Some servers answer an unknown account with 404.
  if (status === 401 || status === 403 || status === 404) {
    return [
      'STORE_ACCESS',
      'it refuses these credentials, or gives them no right to this: check the key, the secret, the region and the policy',
    ]
  }
  // 409: another conditional write of this object was under way; S3 asks to try again.
  const passing = status === undefined || status >= 500 || status === 429 || status === 408 || code === 'ConditionalRequestConflict'
  return passing ? ['STORE_UNREACHABLE', 'it cannot be reached or cannot serve now'] : ['STORE_FAILED', 'the call failed']
}

/** How an adapter tells the errors of its client. */
export interface ObjectCaller {
  readonly place: string
  failureOf(error: unknown): ObjectFailure
}

/** Runs a call: `none` names the failures that answer "there is none". Throws a `StoreError`, or the reason of the signal. */
export async function calling<T>(
  { place, failureOf }: ObjectCaller,
  signal: AbortSignal | undefined,
  run: () => Promise<T>,
  none?: (failure: ObjectFailure) => boolean,
): Promise<T | undefined> {
  try {
    return await run()
  } catch (error) {
    if (signal?.aborted === true) throw signal.reason
    if (isStoreError(error)) throw error
    const failure = failureOf(error)
    if (none?.(failure) === true) return undefined
    throw objectError(failure, place, error)
  }
}
