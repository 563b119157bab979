import type { TraceContext } from '@stigmergy/grid'
import { functionOption, partsOption, quote, type Names } from './check.ts'
import { CoreError } from './errors.ts'
import type { AgentInfo, CoreHooks, TransitionRecorder, Violation } from './hooks.ts'
import { recorderOf } from './recorder-of.ts'

type HookName = Exclude<keyof CoreHooks, 'transitions' | 'onTransitionStart' | 'onTransitionEnd' | 'onViolation'>

/** The one place that calls hooks and listeners. Whatever they throw is counted and goes no further (I7). */
export interface Guests {
  /** True if somebody wants to know when transitions begin, or end; else nothing is measured or made for them. */
  readonly watching: boolean
  /** True if somebody wants to know how transitions end. */
  readonly watchingEnds: boolean
  /** How often a guest threw. */
  readonly errors: number
  /** Hooks that are used already are told once all the same, until they are removed as often. */
  use(hooks: CoreHooks): () => void
  /** The context a hook returned, the last one if several did. */
  readonly transitionStart: TransitionRecorder['start']
  readonly transitionEnd: TransitionRecorder['end']
  /** `trace`: what `transitionStart` returned. Each hears of its own. */
  violation(agent: AgentInfo, violation: Violation): void
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
  onViolation: true,
  onStarting: true,
  onStarted: true,
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
  if (typeof hooks !== 'object' || hooks === null || Array.isArray(hooks))
    throw new CoreError('BAD_OPTION', `hooks is ${quote(hooks)}: give an object of functions`)
  const wrong = Object.keys(hooks).find((name) => /^on[A-Z]/.test(name) && !Object.hasOwn(HOOKS, name))
  if (wrong !== undefined) throw new CoreError('BAD_OPTION', `there is no hook ${quote(wrong)}: give ${Object.keys(HOOKS).join(', ')}`)
  const { transitions, ...calls } = HOOKS
  for (const name of Object.keys(calls) as HookName[]) if (hooks[name] !== undefined) functionOption(`hook ${name}`, hooks[name])
  if (transitions) partsOption('transitions', hooks.transitions, ['start', 'end'], 'a recorder')
}

// Bound, not inherited: hooks may be an instance of a class with private fields.
function bound(hooks: CoreHooks): CoreHooks {
  const entries = Object.keys(HOOKS).flatMap((name) => {
    const hook: unknown = hooks[name as keyof CoreHooks]
    return hook === undefined ? [] : [[name, typeof hook === 'function' ? (hook.bind(hooks) as unknown) : hook] as const]
  })
  return Object.fromEntries(entries) as CoreHooks
}

/** Hooks in use, as often as they were given: they are told once. */
interface Guest {
  readonly given: CoreHooks
  readonly hooks: CoreHooks
  uses: number
}

export function createGuests(): Guests {
  let given: readonly Guest[] = []
  let guests: readonly CoreHooks[] = []
  /** Those of the guests that are told of transitions, each in the cheap form. */
  let recorders: readonly TransitionRecorder[] = []
  let recorderOfGuest: ReadonlyMap<CoreHooks, TransitionRecorder> = new Map()
  let watching = false
  let watchingEnds = false
  let errors = 0
  /** Where several returned a context: what each of them did, by the one that was taken. */
  const returnedBy = new WeakMap<TraceContext, Map<TransitionRecorder, TraceContext>>()
  let differ = false
  const failed = (): void => {
    errors += 1
  }

  function settle(): void {
    guests = given.map(({ hooks }) => hooks)
    watchingEnds = guests.some((hooks) => hooks.transitions !== undefined || hooks.onTransitionEnd !== undefined)
    watching = watchingEnds || guests.some((hooks) => hooks.onTransitionStart !== undefined)
    recorderOfGuest = new Map(
      guests.flatMap((hooks) => {
        const recorder = recorderOf(hooks)
        return recorder === undefined ? [] : [[hooks, recorder] as const]
      }),
    )
    recorders = [...recorderOfGuest.values()]
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
      let guest = given.find((other) => other.given === hooks)
      if (guest === undefined) given = [...given, (guest = { given: hooks, hooks: bound(hooks), uses: 0 })]
      guest.uses += 1
      settle()
      const used = guest
      let removed = false
      return () => {
        if (removed) return
        removed = true
        used.uses -= 1
        if (used.uses === 0) given = given.filter((other) => other !== used)
        settle()
      }
    },
    transitionStart(agent, event, trace, enqueuedAtMs, startedAtMs, restarts) {
      let context: TraceContext | undefined
      let by: TransitionRecorder | undefined
      let each: Map<TransitionRecorder, TraceContext> | undefined
      for (const recorder of recorders) {
        try {
          const returned: unknown = recorder.start(agent, event, trace, enqueuedAtMs, startedAtMs, restarts)
          if (returned === undefined) continue
          if (returned instanceof Promise) mind(returned)
          else {
            if (by !== undefined && context !== undefined) each = (each ?? new Map([[by, context]])).set(recorder, returned as TraceContext)
            by = recorder
            context = returned as TraceContext
          }
        } catch {
          errors += 1
        }
      }
      if (each === undefined || typeof context !== 'object') return context
      differ = true
      returnedBy.set(context, each)
      return context
    },
    transitionEnd(
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
      ignored,
      worldAtMs,
    ) {
      const each = differ && typeof context === 'object' ? returnedBy.get(context) : undefined
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
              each?.get(recorder) ?? context,
              ignored,
              worldAtMs,
            ),
          )
        } catch {
          errors += 1
        }
      }
    },
    violation(agent, { state, trace }) {
      const each = differ && typeof trace === 'object' ? returnedBy.get(trace) : undefined
      for (const hooks of guests) {
        const recorder = recorderOfGuest.get(hooks)
        const own = (recorder && each?.get(recorder)) ?? trace
        try {
          mind(hooks.onViolation?.(agent, { state, trace: own }))
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
