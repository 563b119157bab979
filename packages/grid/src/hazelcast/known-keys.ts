import { hasVersion, readFrame, type Frame } from './frame.ts'

/** What this process knows of a key's present state at its owner. It changes with the key: no one keeps it over another change. */
export interface Known {
  readonly version: number
  /** Which write it was. */
  readonly session: string
  readonly number: number
  /** Local time of the commit, or of its arrival here. */
  readonly atMs: number
  readonly kind: 'put' | 'remove'
  readonly ttlMs: number | undefined
  /** Counts what was learnt of all keys: tells whether it is newer than a read that has begun. */
  readonly seq: number
}

/**
 * What becomes of a change that the owner told:
 * - `apply`: it is news.
 * - `known`: it, or something later, is here already.
 * - `inverted`: the owner committed it over a later version. Two processes wrote without looking, and the one whose clock was
 *   behind came last. What is committed last stands, so the write has to get a version above the one it replaced.
 * - `zombie`: the same, of a write that was already applied: it came twice. What it replaced has to come back.
 * - `late`: its process has made a later write of the key, which it replaces. So it was on its way for longer than its caller
 *   waited, or was sent again. The later one stands, as it would if each had come in its turn.
 */
export type Verdict = 'apply' | 'known' | 'inverted' | 'zombie' | 'late'

/** The latest known version of every key of a map, by which changes and loads are put in order. */
export class KnownKeys {
  readonly #known = new Map<string, { -readonly [Fact in keyof Known]: Known[Fact] }>()
  /** The versions of keys that were forgotten while reads were under way: such a read may still have them. */
  readonly #gone = new Map<string, number>()
  #reads = 0
  #seq = 0

  /** Of what was learnt last. */
  get seq(): number {
    return this.#seq
  }

  get size(): number {
    return this.#known.size
  }

  get(key: string): Known | undefined {
    return this.#known.get(key)
  }

  entries(): IterableIterator<[string, Known]> {
    return this.#known.entries()
  }

  set(key: string, { version, session, number, kind, ttlMs }: Omit<Frame, 'bytes' | 'stampMs' | 'unheard'>, atMs: number): Known {
    const seq = ++this.#seq
    const known = this.#known.get(key)
    if (known === undefined) {
      const first = { version, session, number, atMs, kind, ttlMs, seq }
      this.#known.set(key, first)
      return first
    }
    // In its place: what is known of a key lives long, and is replaced by each of its changes.
    known.version = version
    known.session = session
    known.number = number
    known.atMs = atMs
    known.kind = kind
    known.ttlMs = ttlMs
    known.seq = seq
    return known
  }

  /** `version`: the one that went, if another than the known one. */
  delete(key: string, version = 0): void {
    if (this.#reads > 0) this.#gone.set(key, Math.max(version, this.#known.get(key)?.version ?? 0))
    this.#known.delete(key)
  }

  /** A read begins: tells what was learnt of all keys by then. */
  beginRead(): number {
    this.#reads++
    return this.#seq
  }

  endRead(): void {
    if (--this.#reads === 0) this.#gone.clear()
  }

  /** Was it forgotten after a read began that is still under way? */
  isGone(key: string, version: number): boolean {
    return version <= (this.#gone.get(key) ?? 0)
  }

  clear(): void {
    this.#known.clear()
  }

  /** `old`: what it replaced at the owner. `applied`: its number has been applied before. `replaces`: there was something. */
  judge(key: string, frame: Frame, old: Frame | undefined, applied: boolean, replaces: boolean = old !== undefined): Verdict {
    const known = this.#known.get(key)
    if (known === undefined) return applied && old !== undefined && old.version >= frame.version ? 'zombie' : 'apply'
    if (frame.version > known.version) return replaces && isLate(frame, known) ? 'late' : 'apply'
    const replacedLater = old !== undefined && old.version >= frame.version && !isSameWrite(old, frame)
    if (!replacedLater) return 'known'
    if (applied) return 'zombie'
    return isLate(frame, old) ? 'late' : 'inverted'
  }
}

/** Has its process made a later write of the key, which is there? */
function isLate(frame: Frame, there: Pick<Frame, 'session' | 'number'>): boolean {
  return frame.number < there.number && frame.session === there.session
}

export function isSameWrite(a: Pick<Frame, 'session' | 'number'>, b: Pick<Frame, 'session' | 'number'>): boolean {
  return a.session === b.session && a.number === b.number
}

/**
 * Is what a change replaced at its owner what is known here? If not, a change between the two was missed, and no later read would
 * show it (I5). `old`: as the owner told it. `isHere`: that write was applied, or waits for its place; or, if its version is newer
 * than the known one, it was passed over.
 */
export function follows(
  frame: Frame,
  old: Buffer | null,
  known: Known | undefined,
  isHere: (write: Frame, isNewer: boolean) => boolean,
): boolean {
  // Where nothing was left of what is known here: it was collected as garbage, or its time to live is over; else it was lost.
  if (old === null) return known === undefined || known.kind === 'remove' || known.ttlMs !== undefined
  if (known !== undefined && hasVersion(old, known.version)) return true
  const replaced = readFrame(old)
  if (replaced === undefined) return true
  if (known === undefined) return false
  if (replaced.version > known.version) return isHere(replaced, true)
  // Committed over a later version: by itself, now that it gets its place, or by a write that has to be known.
  return isSameWrite(replaced, frame) || isHere(replaced, false)
}
