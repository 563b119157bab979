import { quote, textOption } from '../check.ts'
import type { Dependency } from './dependency.ts'
import { resolveDependencyOptions, type DependencyOptions } from './dependency-options.ts'
import { CoreError } from '../errors.ts'
import { GuardedDependency, type DependencyServices } from './guarded-dependency.ts'

/** The dependencies of a system, by name. */
export interface Dependencies {
  readonly all: readonly Dependency[]
  /** The one of that name, made at the first call. Throws `CoreError` BAD_OPTION if it is given options once more. */
  get(name: string, options?: DependencyOptions): GuardedDependency
  close(): void
}

export function createDependencies(services: DependencyServices): Dependencies {
  const byName = new Map<string, GuardedDependency>()
  let closed = false
  return {
    get all() {
      return [...byName.values()]
    },
    get(name, options) {
      if (closed) throw new CoreError('CLOSED', 'the system is closed')
      const known = byName.get(name)
      if (known !== undefined && options === undefined) return known
      if (known !== undefined)
        throw new CoreError('BAD_OPTION', `dependency ${quote(name)} has its options: leave them out, or give another name`)
      if (textOption('name of a dependency', name, undefined) === undefined)
        throw new CoreError('BAD_OPTION', 'a dependency has no name: give one')
      const made = new GuardedDependency(name, resolveDependencyOptions(options), services)
      byName.set(name, made)
      return made
    },
    close() {
      closed = true
      for (const dependency of byName.values()) dependency.close()
    },
  }
}
