import { isStoreError, type Authority, type Store } from '@stigmergy/grid/store'
import { Recorder, type Operation } from '@stigmergy/grid/testing'
import { writeSync } from 'node:fs'
import type { LeaseInput, LeaseOutput, StoreInput, StoreOutput } from './model.ts'

/** Operations of one process, as one line each. */
function tell(kind: 'store' | 'lease', operations: readonly Operation[]): void {
  for (const operation of operations) writeSync(1, `${JSON.stringify({ kind, ...operation, returnedAt: operation.returnedAt ?? null })}\n`)
}

/** Takes and releases leases that others want as well, and commits under them; tells each operation on standard output. Then closes. */
export async function contest(authority: Authority, store: Store, owner: string, rounds: number): Promise<void> {
  await allHere(store, owner)
  const leases = new Recorder<LeaseInput, LeaseOutput>()
  const commits = new Recorder<StoreInput, StoreOutput>()
  let token = 1
  for (let round = 0; round < rounds; round++) {
    const name = `lease-${round % 2}`
    const id = `id-${round % 2}`
    // Of a time no round comes near: a lease that ends by itself is another history, which the pause rounds judge.
    let got: Awaited<ReturnType<Authority['acquire']>>
    await leases.run(owner, name, { do: 'acquire', owner }, async () => (got = await authority.acquire(name, owner, 600_000))?.fence.token)
    token = got?.fence.token ?? token
    const rev = await commits.run(owner, id, { do: 'read' }, async () => (await store.get(id))?.rev ?? 0)
    const fence = { owner, token }
    const expectedRev = typeof rev === 'number' ? rev : 0
    await commits.run(owner, id, { do: 'commit', expectedRev, ...fence }, async (): Promise<StoreOutput> => {
      try {
        return await store.commit(id, expectedRev, fence, Buffer.from(`${owner} ${round}`))
      } catch (error) {
        if (isStoreError(error, 'STORE_CONFLICT') || isStoreError(error, 'STORE_FENCED')) return error.code as StoreOutput
        throw error
      }
    })
    const held = got
    if (held !== undefined)
      await leases.run(owner, name, { do: 'release', owner }, async () => authority.release(held) as Promise<undefined>)
  }
  tell('lease', leases.operations)
  tell('store', commits.operations)
  await authority.close()
  await store.close()
}

/** How many processes a contest is among. */
export const CONTESTANTS = 3

/** Waits until all have come: those who do not meet prove nothing. */
async function allHere(store: Store, owner: string): Promise<void> {
  await store.commit(`here/${owner}`, 0, { owner, token: 1 }, Buffer.from(owner))
  for (let here = 0; here < CONTESTANTS;) {
    here = 0
    for await (const { id } of store.scan({ prefix: 'here/' })) here += id.length > 0 ? 1 : 0
  }
}
