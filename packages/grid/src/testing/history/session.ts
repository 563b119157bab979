import { badOption } from '../../options.ts'
import { checkOperations } from './linearizable.ts'
import type { Operation } from './operation.ts'

/** A step back that a session must not see. */
export interface SessionViolation<I = unknown, O = unknown> {
  readonly guarantee: 'read-your-writes' | 'monotonic-reads'
  /** What gave an older version, and what had shown the newer one to the same process before. */
  readonly operation: Operation<I, O>
  readonly after: Operation<I, O>
}

/**
 * Read-your-writes and monotonic reads of each process: no operation shows an older version of a key than one that had returned to
 * that process before it was called. Operations with unknown outcome, and those without a version, show nothing. Throws `GridError`
 * BAD_OPTION.
 *
 * @param versionOf the version an operation showed (0: that there is none) and whether it had made that version
 */
export function checkSession<I, O>(
  operations: readonly Operation<I, O>[],
  versionOf: (operation: Operation<I, O>) => { readonly version: number; readonly wrote: boolean } | undefined,
): readonly SessionViolation<I, O>[] {
  checkOperations(operations)
  if (typeof (versionOf as unknown) !== 'function') throw badOption('versionOf', versionOf, 'a function')
  const violations: SessionViolation<I, O>[] = []
  const sessions = new Map<string, Operation<I, O>[]>()
  for (const operation of operations) {
    if (operation.returnedAt === undefined) continue
    const name = JSON.stringify([operation.process, operation.key])
    const session = sessions.get(name)
    if (session === undefined) sessions.set(name, [operation])
    else session.push(operation)
  }
  for (const session of sessions.values()) {
    const returns = session.toSorted((a, b) => (a.returnedAt as number) - (b.returnedAt as number))
    let returned = 0
    let newest: { readonly version: number; readonly wrote: boolean; readonly operation: Operation<I, O> } | undefined
    for (const operation of session.toSorted((a, b) => a.calledAt - b.calledAt)) {
      for (; returned < returns.length; returned++) {
        const before = returns[returned] as Operation<I, O>
        if ((before.returnedAt as number) > operation.calledAt || before === operation) break
        const shown = versionOf(before)
        if (shown !== undefined && shown.version >= (newest?.version ?? 0)) newest = { ...shown, operation: before }
      }
      const shown = versionOf(operation)
      if (shown === undefined || newest === undefined || shown.version >= newest.version) continue
      const guarantee = newest.wrote ? 'read-your-writes' : 'monotonic-reads'
      violations.push({ guarantee, operation, after: newest.operation })
    }
  }
  return violations
}
