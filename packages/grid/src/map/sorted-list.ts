/** A number and the text that tells apart those with the same number. */
export interface Place {
  readonly at: number
  readonly key: string
}

const CHUNK = 256

/** Items in the order of (number, key), in chunks: a change moves a few hundred places, not all of them. */
export class SortedList<T extends Place> {
  #chunks: T[][] = []
  #size = 0

  get size(): number {
    return this.#size
  }

  add(item: T): void {
    const which = Math.min(this.#chunkOf(item), this.#chunks.length - 1)
    const chunk = this.#chunks[which]
    this.#size++
    if (chunk === undefined) {
      this.#chunks.push([item])
      return
    }
    chunk.splice(placeIn(chunk, item), 0, item)
    if (chunk.length > 2 * CHUNK) this.#chunks.splice(which + 1, 0, chunk.splice(CHUNK))
  }

  /** False if there is no item of this number and key. */
  delete(place: Place): boolean {
    const which = this.#chunkOf(place)
    const chunk = this.#chunks[which]
    if (chunk === undefined) return false
    const at = placeIn(chunk, place)
    const item = chunk[at]
    if (item === undefined || isBefore(place, item)) return false
    chunk.splice(at, 1)
    if (chunk.length === 0) this.#chunks.splice(which, 1)
    this.#size--
    return true
  }

  /** From the first item that is not before `low` on. The list must not change meanwhile. */
  *from(low: number): IterableIterator<T> {
    const start = { at: low, key: '' }
    for (let which = this.#chunkOf(start); which < this.#chunks.length; which++) {
      const chunk = this.#chunks[which] as T[]
      for (let at = placeIn(chunk, start); at < chunk.length; at++) yield chunk[at] as T
    }
  }

  clear(): void {
    this.#chunks = []
    this.#size = 0
  }

  // The first chunk that ends at or after the place.
  #chunkOf(place: Place): number {
    return search(this.#chunks.length, (which) => !isBefore((this.#chunks[which] as T[]).at(-1) as T, place))
  }
}

function placeIn(chunk: readonly Place[], place: Place): number {
  return search(chunk.length, (at) => !isBefore(chunk[at] as Place, place))
}

/** The first of `count` for which the answer is yes; yes must follow no. */
function search(count: number, isYes: (at: number) => boolean): number {
  let [low, high] = [0, count]
  while (low < high) {
    const middle = (low + high) >> 1
    if (isYes(middle)) high = middle
    else low = middle + 1
  }
  return low
}

function isBefore(a: Place, b: Place): boolean {
  return a.at < b.at || (a.at === b.at && a.key < b.key)
}
