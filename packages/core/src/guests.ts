import type { TraceContext } from '@stigmergy/grid'
import type { CoreHooks, TransitionEnd, TransitionStart } from './hooks.ts'

type HookName = Exclude<keyof CoreHooks, 'onTransitionStart' | 'onTransitionEnd'>

/** The one place that calls hooks and listeners. Whatever they throw is counted and goes no further (I7). */
export interface Guests {
  /** True if somebody wants to know when transitions begin, or end; else nothing is measured or made for them. */
  readonly watching: boolean
  /** True if somebody wants to know how transitions end. */
  readonly watchingEnds: boolean
  /** How often a guest threw. */
  readonly errors: number
  use(hooks: CoreHooks): () => void
  /** The context a hook returned, the last one if several did. */
  transitionStart(start: TransitionStart): TraceContext | undefined
  transitionEnd(end: TransitionEnd): void
  tell<K extends HookName>(hook: K, ...args: Parameters<NonNullable<CoreHooks[K]>>): void
  /** Calls a listener. */
  call<A>(listener: (arg: A) => unknown, arg: A): void
  failed(error: unknown): void
}

export function createGuests(): Guests {
  let guests: readonly CoreHooks[] = []
  let watching = false
  let watchingEnds = false
  let errors = 0
  const failed = (): void => {
    errors += 1
  }

  function settle(): void {
    watchingEnds = guests.some((hooks) => hooks.onTransitionEnd !== undefined)
    watching = watchingEnds || guests.some((hooks) => hooks.onTransitionStart !== undefined)
  }

  // An async hook's rejection would otherwise end the process.
  function mind(result: unknown): void {
    if (result instanceof Promise) result.catch(failed)
  }

  return {
    get watching() {
      return watching
    },
    get watchingEnds() {
      return watchingEnds
    },
    get errors() {
      return errors
    },
    use(hooks) {
      // A copy, so that the same hooks can be used twice and removed once.
      const guest = Object.create(hooks) as CoreHooks
      guests = [...guests, guest]
      settle()
      return () => {
        guests = guests.filter((other) => other !== guest)
        settle()
      }
    },
    transitionStart(start) {
      let context: TraceContext | undefined
      for (const hooks of guests) {
        try {
          const returned: unknown = hooks.onTransitionStart?.(start)
          if (returned instanceof Promise) mind(returned)
          else if (returned !== undefined) context = returned as TraceContext
        } catch {
          errors += 1
        }
      }
      return context
    },
    transitionEnd(end) {
      for (const hooks of guests) {
        try {
          mind(hooks.onTransitionEnd?.(end))
        } catch {
          errors += 1
        }
      }
    },
    tell(hook, ...args) {
      for (const hooks of guests) {
        try {
          const fn = hooks[hook] as ((...args: readonly unknown[]) => unknown) | undefined
          mind(fn?.call(hooks, ...args))
        } catch {
          errors += 1
        }
      }
    },
    call(listener, arg) {
      try {
        mind(listener(arg))
      } catch {
        errors += 1
      }
    },
    failed,
  }
}
