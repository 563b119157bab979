import type { Change } from './map/entry.ts'
import { GridError, quote } from './errors.ts'
import type { GridHooks } from './hooks.ts'
import { badOption } from './options.ts'

const HOOKS: readonly string[] = ['onChange', 'onListenerError'] satisfies readonly (keyof GridHooks)[]

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

  /** Throws `GridError` BAD_OPTION. */
  use(hooks: GridHooks): () => void {
    if (typeof hooks !== 'object' || hooks === null) throw badOption('hooks', hooks, 'an object of functions')
    // What else a guest has is its own; what is named as a hook must be one.
    const wrong = Object.keys(hooks).find((name) => /^on[A-Z]/.test(name) && !HOOKS.includes(name))
    if (wrong !== undefined) throw new GridError('BAD_OPTION', `there is no hook ${quote(wrong)}: give ${HOOKS.join(', ')}`)
    for (const name of HOOKS) {
      const hook: unknown = hooks[name as keyof GridHooks]
      if (hook !== undefined && typeof hook !== 'function') throw badOption(name, hook, 'a function')
    }
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
