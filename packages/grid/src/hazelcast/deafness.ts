/** So many reads in a row that found lost changes, and no change came between them; */
const IN_SILENCE = 3
/** or so many of them in the time below, whatever came. */
const IN_ALL = 50
const WITHIN_MS = 10_000
/** Not sooner again. */
const PAUSE_MS = 2000

/**
 * Does a listener still hear? The cluster can lose its registration and say nothing, while everything else goes on. Then changes
 * come by reads alone, each as a gap. Some are lost with every member that joins; one after the other is a listener that is gone.
 */
export class Deafness {
  #inSilence = 0
  #lostAtMs: number[] = []
  #judgedAtMs = -Infinity

  /** A change came. */
  heard(): void {
    this.#inSilence = 0
  }

  /** A read found changes that did not come. True: the listener has to be registered anew. */
  lost(nowMs: number): boolean {
    this.#inSilence++
    this.#lostAtMs = this.#lostAtMs.filter((atMs) => nowMs - atMs < WITHIN_MS)
    this.#lostAtMs.push(nowMs)
    if (nowMs - this.#judgedAtMs < PAUSE_MS || (this.#inSilence < IN_SILENCE && this.#lostAtMs.length < IN_ALL)) return false
    this.#judgedAtMs = nowMs
    this.#inSilence = 0
    this.#lostAtMs = []
    return true
  }
}
