import type { Baseline } from './baseline.ts'
import { OTHER_ACTION } from './baseline.ts'
import { dispersionOf, looksIndependent, type Pairs } from './dispersion.ts'
import type { DriftSettings } from './drift.ts'

/** Windows that the dispersion is told from, at most (I6). */
const MOST_WINDOWS = 1000
/** A decision is compared with so many before it. */
const LAGS = 8

/**
 * Learns how decisions of one kind are spread over actions, from whole windows of single agents: what is held against it later are such
 * windows too, and how far they are from each other while nothing is wrong is part of what is learned. Pure.
 */
export class Learning {
  /** Of the baseline that it gives. */
  version: number
  readonly #settings: DriftSettings
  readonly #actions = new Map<string, number>()
  readonly #windows: ReadonlyMap<string, number>[] = []
  readonly #agents = new Map<string, Piece>()
  /** What agents left that ended within a window, and the decisions of those beyond the bound. */
  #ended = newPiece()
  readonly #lags: Pairs[] = Array.from({ length: LAGS }, () => ({ pairs: 0, alike: 0 }))
  #decisions = 0

  constructor(version: number, settings: DriftSettings) {
    this.version = version
    this.#settings = settings
  }

  /** Takes in a decision; undefined: of an agent that has ended. Gives the baseline when it has learned enough. */
  decided(agentId: string | undefined, action: string): Baseline | undefined {
    const name = this.#nameOf(action)
    const piece = agentId === undefined ? this.#ended : this.#pieceOf(agentId)
    if (piece !== this.#ended) this.#compare(piece.before, name)
    piece.counts.set(name, (piece.counts.get(name) ?? 0) + 1)
    piece.decisions += 1
    if (piece.decisions < this.#settings.windowDecisions) return undefined
    return this.#complete(piece)
  }

  /** An agent has ended: its last decisions count with those of others that have. */
  ended(agentId: string): Baseline | undefined {
    const piece = this.#agents.get(agentId)
    if (piece === undefined) return undefined
    this.#agents.delete(agentId)
    for (const [name, count] of piece.counts) this.#ended.counts.set(name, (this.#ended.counts.get(name) ?? 0) + count)
    this.#ended.decisions += piece.decisions
    return this.#ended.decisions < this.#settings.windowDecisions ? undefined : this.#complete(this.#ended)
  }

  #complete(piece: Piece): Baseline | undefined {
    for (const [name, count] of piece.counts) this.#actions.set(name, (this.#actions.get(name) ?? 0) + count)
    if (this.#windows.length < MOST_WINDOWS) this.#windows.push(piece.counts)
    this.#decisions += piece.decisions
    ;[piece.counts, piece.decisions] = [new Map(), 0]
    const { baselineDecisions, windowDecisions } = this.#settings
    if (this.#decisions < baselineDecisions) return undefined
    const actions = Object.fromEntries(this.#actions)
    const dispersion = dispersionOf(this.#actions, this.#windows, windowDecisions, looksIndependent(this.#actions, this.#lags))
    return { version: this.version, actions, ...(dispersion === 1 ? {} : { dispersion }) }
  }

  #compare(before: string[], name: string): void {
    for (const [lag, pairs] of this.#lags.entries()) {
      const other = before.at(-1 - lag)
      if (other === undefined) break
      pairs.pairs += 1
      if (other === name) pairs.alike += 1
    }
    before.push(name)
    if (before.length > LAGS) before.shift()
  }

  #nameOf(action: string): string {
    if (this.#names.has(action)) return action
    if (this.#names.size >= this.#settings.maxActions) return OTHER_ACTION
    this.#names.add(action)
    return action
  }
  readonly #names = new Set<string>()

  #pieceOf(agentId: string): Piece {
    const known = this.#agents.get(agentId)
    if (known !== undefined) return known
    if (this.#agents.size >= this.#settings.maxAgents) return this.#ended
    const piece = newPiece()
    this.#agents.set(agentId, piece)
    return piece
  }
}

interface Piece {
  counts: Map<string, number>
  decisions: number
  /** The newest last. */
  readonly before: string[]
}

function newPiece(): Piece {
  return { counts: new Map(), decisions: 0, before: [] }
}
