import type { Change } from './entry.ts'
import type { GridHooks } from './hooks.ts'

/** The hooks in use, and the count of what guests threw. A guest that throws changes nothing for anybody else (I7). */
export class Guests {
  #hooks: readonly GridHooks[] = []
  #errors = 0

  get errors(): number {
    return this.#errors
  }

  use(hooks: GridHooks): () => void {
    // A copy: the same object may be used twice, and each removal ends its own use.
    const own = { hooks }
    const used: GridHooks = {
      onChange: (map, change) => own.hooks.onChange?.(map, change),
      onListenerError: (map, error) => own.hooks.onListenerError?.(map, error),
    }
    this.#hooks = [...this.#hooks, used]
    return () => {
      this.#hooks = this.#hooks.filter((one) => one !== used)
    }
  }

  change(map: string, change: Change<unknown>): void {
    for (const hooks of this.#hooks) {
      try {
        hooks.onChange?.(map, change)
      } catch {
        this.#errors++
      }
    }
  }

  /** A watch listener or its `where` threw, or its promise was rejected. */
  listenerError(map: string, error: unknown): void {
    this.#errors++
    for (const hooks of this.#hooks) {
      try {
        hooks.onListenerError?.(map, error)
      } catch {
        this.#errors++
      }
    }
  }
}
