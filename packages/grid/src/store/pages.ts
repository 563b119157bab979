/** Copies that share a page: an array buffer of its own for each of 10,000 small values would cost more than all that is done with them. */
const PAGE_BYTES = 8192
/** Larger ones have a buffer of their own. */
const SMALL_BYTES = PAGE_BYTES / 4
/** Where a copy may begin: the next one is written faster there. */
const STEP_BYTES = 8

/** Keeps copies of bytes. One view is made for each, where Node's `Buffer.from` makes one, and a plain array of it another. */
export class Pages {
  #page = new ArrayBuffer(0)
  #at = 0

  readonly copy = (bytes: Uint8Array): Uint8Array => {
    const { length } = bytes
    if (length > SMALL_BYTES) return new Uint8Array(bytes)
    if (this.#at + length > this.#page.byteLength) {
      this.#page = new ArrayBuffer(PAGE_BYTES)
      this.#at = 0
    }
    const copy = new Uint8Array(this.#page, this.#at, length)
    copy.set(bytes)
    this.#at += Math.ceil(length / STEP_BYTES) * STEP_BYTES
    return copy
  }
}
