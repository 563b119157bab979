/** A binary min-heap: `before(a, b)` says that a comes first. It must be a total order if the order of equals matters. */
export class Heap<T> {
  #items: T[] = []
  readonly #before: (a: T, b: T) => boolean

  constructor(before: (a: T, b: T) => boolean) {
    this.#before = before
  }

  get size(): number {
    return this.#items.length
  }

  peek(): T | undefined {
    return this.#items[0]
  }

  push(item: T): void {
    this.#items.push(item)
    this.#rise(this.#items.length - 1)
  }

  pop(): T | undefined {
    const items = this.#items
    const first = items[0]
    const last = items.pop()
    if (last !== undefined && items.length > 0) {
      items[0] = last
      this.#sink(0)
    }
    return first
  }

  /** Keeps only what satisfies `keep`: how a user of lazy deletion gets its memory back. */
  retain(keep: (item: T) => boolean): void {
    this.#items = this.#items.filter(keep)
    for (let at = (this.#items.length >> 1) - 1; at >= 0; at--) this.#sink(at)
  }

  clear(): void {
    this.#items = []
  }

  #rise(start: number): void {
    const items = this.#items
    const item = items[start] as T
    let at = start
    while (at > 0) {
      const up = (at - 1) >> 1
      const parent = items[up] as T
      if (!this.#before(item, parent)) break
      items[at] = parent
      at = up
    }
    items[at] = item
  }

  #sink(start: number): void {
    const items = this.#items
    const item = items[start] as T
    const half = items.length >> 1
    let at = start
    while (at < half) {
      let down = at * 2 + 1
      const right = down + 1
      if (right < items.length && this.#before(items[right] as T, items[down] as T)) down = right
      const child = items[down] as T
      if (!this.#before(child, item)) break
      items[at] = child
      at = down
    }
    items[at] = item
  }
}
