import { isStoreError, StoreError } from '../store/errors.ts'

/** What is used of a CP AtomicReference of `hazelcast-client`. */
export interface CpReference {
  get(): Promise<Uint8Array | null>
  set(value: Uint8Array): Promise<unknown>
  compareAndSet(expect: Uint8Array, update: Uint8Array): Promise<boolean>
}

/** What is used of a CP AtomicLong. */
export interface CpLong {
  get(): Promise<{ toNumber(): number }>
  compareAndSet(expect: number, update: number): Promise<boolean>
}

/** What is used of a client of the package `hazelcast-client`. */
export interface CpClient {
  getCPSubsystem(): {
    getAtomicLong(name: string): Promise<CpLong>
    getAtomicReference<E>(name: string): Promise<{
      get(): Promise<E>
      set(value: E): Promise<unknown>
      compareAndSet(expect: E, update: E): Promise<boolean>
    }>
  }
}

// Outcome unknown, or not done: asked again, of whichever member leads now.
const PASSING = new Set([
  'ClientOfflineError',
  'HazelcastInstanceNotActiveError',
  'IndeterminateOperationStateError',
  'IOError',
  'MemberLeftError',
  'OperationTimeoutError',
  'RetryableHazelcastError',
  'RetryableIOError',
  'TargetDisconnectedError',
  'TargetNotMemberError',
])

const NO_CP =
  'this cluster has no CP subsystem, so it cannot keep leases: an IMap acknowledges a compare-and-set on both sides of a pause. ' +
  'Use the authority of openDurable (one machine) or openS3, or a cluster with CP: Hazelcast 5.4.0 or older, or Enterprise'

/** Turns what the client throws into an error that says what to do. It tells its errors by their classes only. */
export function cpError(error: unknown): StoreError {
  if (isStoreError(error)) return error
  const { message } = error as { readonly message?: unknown }
  const name = (error as object).constructor.name
  const options = { cause: error }
  // A cluster of 5.5 and later says Unsupported; an earlier one whose CP is turned off says so in the text.
  if (name === 'UnsupportedOperationError' || /CP ?subsystem is (?:not enabled|a licensed)/i.test(String(message))) {
    return new StoreError('STORE_UNSUPPORTED', NO_CP, options)
  }
  if (name === 'ClientNotActiveError') return new StoreError('CLOSED', 'the Hazelcast client was shut down', options)
  if (PASSING.has(name)) return new StoreError('STORE_UNREACHABLE', `the CP subsystem does not answer: ${name} ${String(message)}`, options)
  return new StoreError('STORE_FAILED', `the CP subsystem failed: ${name} ${String(message)}`, options)
}
