import { HazelcastSerializationError, IllegalArgumentError, OperationTimeoutError, SplitBrainProtectionError } from 'hazelcast-client'
import { GridError, isGridError } from '../errors.ts'

/** What the client says, in this package's words. Its errors all have the name `Error`: only their class tells them apart. */
export function toGridError(error: unknown, what: string): GridError {
  if (isGridError(error)) return error
  const said = error instanceof Error ? error.message : String(error)
  if (error instanceof OperationTimeoutError) return new GridError('TIMEOUT', `${what} did not end in time: ${said}`, { cause: error })
  if (error instanceof SplitBrainProtectionError) {
    return new GridError('OFFLINE', `${what}: refused, because too few members of the cluster are there: ${said}`, { cause: error })
  }
  return new GridError('OFFLINE', `${what}: the connection was lost: ${said}`, { cause: error })
}

/** Was the operation refused before it was made? Every other error says nothing of what became of it. */
export function isRefusal(error: unknown): boolean {
  return error instanceof SplitBrainProtectionError || error instanceof HazelcastSerializationError || error instanceof IllegalArgumentError
}
