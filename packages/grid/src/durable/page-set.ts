/** Numbers of pages, one bit each. */
export class PageSet {
  readonly #bits: Uint8Array

  constructor(pages: number) {
    this.#bits = new Uint8Array(Math.ceil(pages / 8))
  }

  has(page: number): boolean {
    return (((this.#bits[page >>> 3] ?? 0) >> (page & 7)) & 1) === 1
  }

  add(page: number): void {
    this.#bits[page >>> 3] = (this.#bits[page >>> 3] ?? 0) | (1 << (page & 7))
  }
}
