import { randomUUID } from 'node:crypto'
import { textOption } from '../check.ts'

/** How much of a name is kept: it is stored with each state. */
const KEPT = 12

/** Owners of what is written, one per activation: two systems on one grid, or grids of one name, are not taken for each other (I1). Throws BAD_OPTION. */
export function createOwners(gridId: string, ids: () => string = randomUUID): () => string {
  // Two systems of one name would be one owner.
  const system = `${gridId}/${textOption('ids()', ids() ?? '', '').slice(-KEPT)}`
  let activations = 0
  return () => `${system}.${(activations += 1).toString(36)}`
}
