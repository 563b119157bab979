import { isGridError } from '@stigmergy/grid'
import { checkSession, type Operation } from '@stigmergy/grid/testing'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

type Op = Operation<'read' | 'write', number>

const test = suite('session checker')
const op = (process: string, input: Op['input'], output: number | undefined, calledAt: number, returnedAt?: number, key = 'k'): Op => {
  return { process, key, input, output, calledAt, returnedAt }
}
const check = (operations: readonly Op[]): readonly string[] =>
  checkSession(operations, ({ input, output }) => (output === undefined ? undefined : { version: output, wrote: input === 'write' })).map(
    ({ guarantee, operation, after }) => `${guarantee} ${operation.output} after ${after.output}`,
  )

test('sessions that only go forward are accepted', () => {
  const operations = [
    op('a', 'write', 1, 0, 1),
    op('a', 'read', 1, 2, 3),
    // Another process, another key, and what overlaps may be behind.
    op('b', 'read', 0, 4, 5),
    op('a', 'read', 0, 4, 5, 'other'),
    op('a', 'write', 3, 6, 9),
    op('a', 'read', 2, 7, 8),
    op('a', 'read', 3, 10, 11),
    // Unknown outcomes show nothing.
    op('a', 'write', undefined, 12),
    op('a', 'read', 3, 13, 14),
  ]
  assert.equal(check(operations), [])
})

test('a read behind the own write, and one behind an earlier read, are found', () => {
  assert.equal(check([op('a', 'write', 2, 0, 1), op('a', 'read', 1, 2, 3)]), ['read-your-writes 1 after 2'])
  assert.equal(check([op('a', 'read', 2, 0, 1), op('a', 'read', 0, 2, 3)]), ['monotonic-reads 0 after 2'])
  // Behind what returned long before, although something older returned in between.
  assert.equal(check([op('a', 'read', 5, 0, 9), op('a', 'read', 3, 1, 10), op('a', 'read', 4, 11, 12)]), ['monotonic-reads 4 after 5'])
})

test('what is no history, or cannot judge one, is refused', () => {
  for (const [call, text] of [
    [() => checkSession(undefined as never, () => undefined), /^the operations is undefined/],
    [() => checkSession([], { x: 1 } as never), /^versionOf is \{"x":1\}: give a function/],
  ] as const) assert.throws(call, (error: unknown) => isGridError(error, 'BAD_OPTION') && text.test(error.message)) // prettier-ignore
})

test.run()
