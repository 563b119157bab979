import type { Frame } from './frame.ts'
import { isSameWrite } from './known-keys.ts'

/** Writes that the owner committed over later ones, until the key has a version above them. */
export class OutOfOrder {
  readonly #held = new Map<string, readonly Frame[]>()
  readonly #passed = new Map<string, number>()

  /** It waits for a version of its own. */
  hold(key: string, frame: Frame): void {
    this.#held.set(key, [...(this.#held.get(key) ?? []), frame])
  }

  /** It is passed over: what it replaced comes back. */
  pass(key: string, { version }: Frame): void {
    this.#passed.set(key, version)
  }

  isHeld(key: string, write: Frame): boolean {
    return this.#held.get(key)?.some((one) => isSameWrite(one, write)) ?? false
  }

  isPassed(key: string, { version }: Frame): boolean {
    return this.#passed.get(key) === version
  }

  /** The key has got a version above: gives those that waited for it. */
  settle(key: string): readonly Frame[] {
    if (this.#passed.size > 0) this.#passed.delete(key)
    if (this.#held.size === 0) return []
    const held = this.#held.get(key) ?? []
    this.#held.delete(key)
    return held
  }
}
