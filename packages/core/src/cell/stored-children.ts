import type { AnyActorRef, Snapshot } from 'xstate'
import { quote } from '../check.ts'
import { CoreError } from '../errors.ts'

interface WithChildren {
  readonly children?: Readonly<Record<string, { readonly snapshot: Snapshot<unknown> }>>
}

export function hasChildren(snapshot: Snapshot<unknown>): boolean {
  const { children } = snapshot as { readonly children?: object }
  return children !== undefined && Object.keys(children).length > 0
}

export function* childIds(snapshot: unknown): Iterable<string> {
  const { children } = (snapshot ?? {}) as { readonly children?: Readonly<Record<string, { readonly snapshot?: unknown }>> }
  for (const [id, child] of Object.entries(children ?? {})) {
    yield id
    yield* childIds(child.snapshot)
  }
}

/**
 * XState keeps a child whose state it cannot restore as one that has failed, and tells nobody: the machine would wait for it for ever (I8).
 * Throws `CoreError` STORE_FOREIGN for a child that ran when it was stored and runs no more. `above`: names of the children above it.
 */
export function checkChildren(restored: unknown, stored: unknown, above = ''): void {
  const actors = (restored as { readonly children?: Readonly<Record<string, AnyActorRef>> }).children
  for (const [id, child] of Object.entries((stored as WithChildren).children ?? {})) {
    const now: Snapshot<unknown> | undefined = actors?.[id]?.getSnapshot()
    if (child.snapshot.status !== 'active' || now === undefined) continue
    const name = `${above}${id}`
    if (now.status === 'error') {
      const why = `the stored child ${quote(name)} does not fit its machine: ${String(now.error)}`
      throw new CoreError('STORE_FOREIGN', why, { cause: now.error })
    }
    checkChildren(now, child.snapshot, `${name}/`)
  }
}
