import { AsyncLocalStorage } from 'node:async_hooks'
import { ROOT_CONTEXT, type Context, type ContextManager } from '@opentelemetry/api'
import type { Current } from '../current.ts'
import { toOtelContext } from '../span-context.ts'

/**
 * Makes the transition that runs the active context of OpenTelemetry, so that the spans of instrumentations become its children.
 * Synchronous: it costs nothing between transitions, and ends at the first `await`.
 */
export function agentContextManager(current: Current): ContextManager {
  /** Contexts set by `with`, innermost last, and the transition each was set in. */
  const set: { readonly context: Context; readonly under: unknown }[] = []

  const manager: ContextManager = {
    active() {
      const { running } = current
      const top = set.at(-1)
      // A transition that began after the context was set is further in.
      if (running !== undefined && top?.under !== running.trace) return toOtelContext(running.trace)
      return top?.context ?? ROOT_CONTEXT
    },
    with(context, fn, self, ...args) {
      set.push({ context, under: current.running?.trace })
      try {
        return fn.call(self as ThisParameterType<typeof fn>, ...args)
      } finally {
        set.pop()
      }
    },
    bind: (context, target) => bound(manager, context, target),
    enable: () => manager,
    disable() {
      set.length = 0
      return manager
    },
  }
  return manager
}

/**
 * The same through AsyncLocalStorage: what a transition began keeps its context after an `await`. On Node 20 every `await` of the process
 * then costs some 130 ns more, once a first context was entered; hence only for who asks for it.
 */
export function asyncAgentContextManager(current: Current): ContextManager {
  const storage = new AsyncLocalStorage<Context>()
  /** Where each transition that runs was entered from, innermost last. */
  const outside: (Context | undefined)[] = []
  const manager: ContextManager = {
    active: () => storage.getStore() ?? ROOT_CONTEXT,
    with: (context, fn, self, ...args) => storage.run(context, () => fn.call(self as ThisParameterType<typeof fn>, ...args)),
    bind: (context, target) => bound(manager, context, target),
    enable() {
      current.watch = (running, depth) => {
        if (depth > outside.length) {
          outside.push(storage.getStore())
          storage.enterWith(running === undefined ? ROOT_CONTEXT : toOtelContext(running.trace))
          return
        }
        let before: Context | undefined
        while (outside.length > depth) before = outside.pop()
        storage.enterWith(before ?? ROOT_CONTEXT)
      }
      return manager
    },
    disable() {
      current.watch = undefined
      storage.disable()
      return manager
    },
  }
  return manager
}

/** Functions only: an emitter's listeners run where the emitter calls them. */
function bound<T>(manager: ContextManager, context: Context, target: T): T {
  if (typeof target !== 'function') return target
  const fn = target as unknown as (...args: unknown[]) => unknown
  return function (this: unknown, ...args: unknown[]) {
    return manager.with(context, () => fn.apply(this, args))
  } as unknown as T
}
