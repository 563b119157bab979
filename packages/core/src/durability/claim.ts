import type { AgentInfo } from '../hooks.ts'
import type { Resting } from './kept.ts'
import type { Services } from '../services.ts'
import type { Write } from './store-access.ts'
import type { Fence, StoreRecord } from './store.ts'

/** One write of what is stored already, by a right of our own: an older activation can write no more (I1). */
class Claim implements Write {
  readonly id: string
  readonly fence: Fence
  readonly expectedRev: number
  readonly value: Uint8Array
  readonly stored: (rev: number) => void
  readonly refused: (error: unknown) => void

  constructor(id: string, fence: Fence, { rev, value }: StoreRecord, stored: (rev: number) => void, refused: (error: unknown) => void) {
    this.id = id
    this.fence = fence
    this.expectedRev = rev
    this.value = value
    this.stored = stored
    this.refused = refused
  }
}

/** Takes the right to write what was found, for an agent that sleeps on. Rejects with why the store refuses. */
export function claim(agent: AgentInfo, kept: StoreRecord, token: number, { grid, access, guests }: Services): Promise<Resting> {
  return new Promise((resolve, reject) => {
    const write: Claim = new Claim(
      agent.id,
      { owner: grid.id, token },
      kept,
      (rev) => {
        guests.tell('onCheckpoint', agent, rev, kept.value.byteLength)
        resolve({ fence: write.fence, rev })
      },
      (error) => {
        guests.tell('onCheckpointError', agent, error)
        reject(error)
      },
    )
    access.write(write)
  })
}
