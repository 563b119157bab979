import { createAuthority, type Authority } from '../store/authority.ts'
import { createCpLeases } from './cp-leases.ts'
import { resolveCpOptions, type CpAuthorityOptions } from './options.ts'

/**
 * An authority over the CP subsystem of a Hazelcast cluster, linearizable by Raft: for any number of processes, while a majority of
 * the CP members lives. Tried on 5.4.0, the last free release with CP.
 * Throws `StoreError` STORE_UNSUPPORTED on a cluster without CP (an IMap is never used instead, I1), BAD_OPTION, STORE_NEWER,
 * STORE_UNREACHABLE or STORE_TIMEOUT.
 */
export async function openCpAuthority(options: CpAuthorityOptions): Promise<Authority> {
  const resolved = resolveCpOptions(options)
  const leases = createCpLeases(resolved)
  await leases.claim()
  const authority = createAuthority(leases, { clock: resolved.clock, pollMs: resolved.pollMs })
  const close = async (): Promise<void> => {
    await authority.close()
    await leases.close()
  }
  return { ...authority, close, [Symbol.asyncDispose]: close }
}
