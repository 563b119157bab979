/** What one process says of its writes to one map, in each beat. */
export interface Announcement {
  /** Every number up to this one was given to a write before the beat was sent. */
  readonly n: number
  /** Every write up to this number had ended by then, one way or another. */
  readonly ended: number
  /** Numbers that were given to writes which were not made. */
  readonly voids: readonly number[]
  /** Numbers whose keys have to be read: asked for, or of unknown outcome. */
  readonly named: readonly (readonly [number: number, key: string])[]
  /** Of numbers up to this one the writer knows no keys any more. */
  readonly floor: number
}

interface Told {
  /** The first beat that says it. */
  readonly beat: number
  readonly key: string | undefined
}

/**
 * The numbers of this process's writes to one map, for the proof of completeness (DESIGN section 4): a ring of the last numbers
 * and their keys, so that a gap elsewhere has names; and what the next beats have to say.
 */
export class OwnWrites {
  readonly #ringSize: number
  readonly #tellLimit: number
  #next = 0
  #floor = 0
  /** The keys of the last numbers, each at its number modulo the size; undefined: the write was not made. */
  readonly #ring: (string | undefined)[] = []
  readonly #telling = new Map<number, Told>()
  /** Given to writes that have not ended yet. */
  readonly #pending = new Set<number>()

  constructor(ringSize = 65_536, tellLimit = 4096) {
    this.#ringSize = ringSize
    this.#tellLimit = tellLimit
  }

  /** The highest number given so far. */
  get issued(): number {
    return this.#next
  }

  /** Every write up to this number has ended. */
  get ended(): number {
    const [oldest] = this.#pending
    return oldest === undefined ? this.#next : oldest - 1
  }

  begin(key: string): number {
    const number = ++this.#next
    this.#ring[number % this.#ringSize] = key
    this.#pending.add(number)
    if (number > this.#ringSize) this.#floor = number - this.#ringSize
    return number
  }

  /** The write was made. */
  made(number: number): void {
    this.#pending.delete(number)
  }

  /** The write was certainly not made, and will not be. `beat`: the next one. */
  voided(number: number, beat: number): void {
    this.#pending.delete(number)
    if (this.#remembers(number)) this.#ring[number % this.#ringSize] = undefined
    this.#tell(number, beat, undefined)
  }

  /** Nobody knows whether the write was made: everybody has to look. */
  unknown(number: number, beat: number): void {
    this.#pending.delete(number)
    const key = this.#remembered(number)
    if (key !== undefined) this.#tell(number, beat, key)
  }

  /** A reader misses these. Of a write under way there is nothing to say yet. */
  asked(numbers: Iterable<number>, beat: number): void {
    for (const number of numbers) {
      if (this.#pending.has(number) || !this.#remembers(number) || this.#telling.has(number)) continue
      this.#tell(number, beat, this.#remembered(number))
    }
  }

  /** The key of a number; undefined if it was not made, or is not known any more, or is still under way. */
  keyOf(number: number): string | undefined {
    return this.#pending.has(number) ? undefined : this.#remembered(number)
  }

  /** Is it known not to have been made? */
  isVoid(number: number): boolean {
    return this.#remembers(number) && this.#remembered(number) === undefined
  }

  announce(): Announcement {
    const voids: number[] = []
    const named: (readonly [number, string])[] = []
    for (const [number, { key }] of this.#telling) {
      if (key === undefined) voids.push(number)
      else named.push([number, key])
    }
    return { n: this.#next, ended: this.ended, voids, named, floor: this.#floor }
  }

  /** Everybody has heard the beats up to this one: what they said need not be said again. */
  heard(beat: number): void {
    if (this.#telling.size === 0) return
    for (const [number, told] of this.#telling) if (told.beat <= beat) this.#telling.delete(number)
  }

  #remembers(number: number): boolean {
    return number > this.#floor && number <= this.#next
  }

  #remembered(number: number): string | undefined {
    return this.#remembers(number) ? this.#ring[number % this.#ringSize] : undefined
  }

  // Bounded (I6): a reader that misses what is dropped here asks for it again.
  #tell(number: number, beat: number, key: string | undefined): void {
    this.#telling.set(number, { beat, key })
    if (this.#telling.size <= this.#tellLimit) return
    const [oldest] = this.#telling.keys()
    if (oldest !== undefined) this.#telling.delete(oldest)
  }
}
