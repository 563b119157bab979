import type { TraceContext } from '@stigmergy/grid'
import { quote, type Names } from './check.ts'
import { CoreError } from './errors.ts'
import type { CoreHooks, TransitionRecorder } from './hooks.ts'
import { recorderOf } from './recorder-of.ts'

type HookName = Exclude<keyof CoreHooks, 'transitions' | 'onTransitionStart' | 'onTransitionEnd'>

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
  readonly transitionStart: TransitionRecorder['start']
  readonly transitionEnd: TransitionRecorder['end']
  tell<K extends HookName>(hook: K, ...args: Parameters<NonNullable<CoreHooks[K]>>): void
  /** Calls a listener. */
  call<A>(listener: (arg: A) => unknown, arg: A): void
  failed(error: unknown): void
}

const HOOKS: Names<CoreHooks> = {
  transitions: true,
  onTransitionStart: true,
  onTransitionEnd: true,
  onSpawn: true,
  onBegin: true,
  onStop: true,
  onFailure: true,
  onSupervisor: true,
  onEscalation: true,
  onDependency: true,
  onNeed: true,
  onRestart: true,
  onCheckpoint: true,
  onCheckpointError: true,
  onDeadLetter: true,
}

/** What else a guest has is its own; what is named as a hook must be one. Throws BAD_OPTION. */
function checkHooks(hooks: CoreHooks): void {
  if (typeof hooks !== 'object' || hooks === null)
    throw new CoreError('BAD_OPTION', `hooks is ${quote(hooks)}: give an object of functions`)
  const wrong = Object.keys(hooks).find((name) => /^on[A-Z]/.test(name) && !Object.hasOwn(HOOKS, name))
  if (wrong !== undefined) throw new CoreError('BAD_OPTION', `there is no hook ${quote(wrong)}: give ${Object.keys(HOOKS).join(', ')}`)
}

// Bound, not inherited: hooks may be an instance of a class with private fields.
function bound(hooks: CoreHooks): CoreHooks {
  const entries = Object.keys(HOOKS).flatMap((name) => {
    const hook: unknown = hooks[name as keyof CoreHooks]
    return hook === undefined ? [] : [[name, typeof hook === 'function' ? (hook.bind(hooks) as unknown) : hook] as const]
  })
  return Object.fromEntries(entries) as CoreHooks
}

export function createGuests(): Guests {
  let guests: readonly CoreHooks[] = []
  /** Those of the guests that are told of transitions, each in the cheap form. */
  let recorders: readonly TransitionRecorder[] = []
  let watching = false
  let watchingEnds = false
  let errors = 0
  const failed = (): void => {
    errors += 1
  }

  function settle(): void {
    watchingEnds = guests.some((hooks) => hooks.transitions !== undefined || hooks.onTransitionEnd !== undefined)
    watching = watchingEnds || guests.some((hooks) => hooks.onTransitionStart !== undefined)
    recorders = guests.flatMap((hooks) => recorderOf(hooks) ?? [])
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
      checkHooks(hooks)
      // An object of its own, so that the same hooks can be used twice and removed once.
      const guest = bound(hooks)
      guests = [...guests, guest]
      settle()
      return () => {
        guests = guests.filter((other) => other !== guest)
        settle()
      }
    },
    transitionStart(agent, event, trace, enqueuedAtMs, startedAtMs, restarts) {
      let context: TraceContext | undefined
      for (const recorder of recorders) {
        try {
          const returned: unknown = recorder.start(agent, event, trace, enqueuedAtMs, startedAtMs, restarts)
          if (returned === undefined) continue
          if (returned instanceof Promise) mind(returned)
          else context = returned as TraceContext
        } catch {
          errors += 1
        }
      }
      return context
    },
    transitionEnd(agent, event, trace, enqueuedAtMs, startedAtMs, restarts, endedAtMs, from, to, tagsBefore, tagsAfter, error, context) {
      for (const recorder of recorders) {
        try {
          mind(
            recorder.end(
              agent,
              event,
              trace,
              enqueuedAtMs,
              startedAtMs,
              restarts,
              endedAtMs,
              from,
              to,
              tagsBefore,
              tagsAfter,
              error,
              context,
            ),
          )
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
