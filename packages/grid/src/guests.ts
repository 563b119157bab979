import type { Change } from './map/entry.ts'
import type { GridHooks } from './hooks.ts'

/** The hooks in use, and the count of what guests threw. A guest that throws changes nothing for anybody else (I7). */
export class Guests {
  /** One object per `use`: the same hooks may be used twice, and each removal ends its own use. */
  #uses: readonly { readonly hooks: GridHooks }[] = []
  #errors = 0

  get errors(): number {
    return this.#errors
  }

  /** Is there any? */
  get present(): boolean {
    return this.#uses.length > 0
  }

  use(hooks: GridHooks): () => void {
    const one = { hooks }
    this.#uses = [...this.#uses, one]
    return () => {
      this.#uses = this.#uses.filter((other) => other !== one)
    }
  }

  change(map: string, change: Change<unknown>): void {
    for (const { hooks } of this.#uses) this.#guard(() => hooks.onChange?.(map, change))
  }

  /** A watch listener or its `where` threw, or its promise was rejected. */
  listenerError(map: string, error: unknown): void {
    this.#errors++
    for (const { hooks } of this.#uses) this.#guard(() => hooks.onListenerError?.(map, error))
  }

  #guard(call: () => unknown): void {
    try {
      const result = call()
      // An async hook is allowed; its rejection must not end the process.
      if (result instanceof Promise) result.catch(() => this.#errors++)
    } catch {
      this.#errors++
    }
  }
}
