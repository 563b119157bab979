import { GRID_ERRORS, GridError, isGridError, openGrid } from '@stigmergy/grid'
import { readdirSync, readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { quote } from '../src/errors.ts'

const test = suite('errors')

test('the README has the table of codes, word for word', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const rows = Array.from(readme.matchAll(/^\| `(\w+)` \| (.*) \|$/gm), ([, code, text]) => [code, text])
  assert.equal(rows, Object.entries(GRID_ERRORS))
})

test('every code is thrown somewhere, and only codes of the table are', () => {
  const folder = new URL('../src/', import.meta.url)
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
  const source = files.map((file) => readFileSync(new URL(file, folder), 'utf8')).join('\n')
  const thrown = new Set(Array.from(source.matchAll(/new GridError\(\s*'(\w+)'/g), ([, code]) => code))
  assert.equal([...thrown].toSorted(), Object.keys(GRID_ERRORS).toSorted())
})

test('the guard knows the class, the code, and errors of another copy of the package', () => {
  const error = new GridError('CLOSED', 'the grid was closed', { cause: 1 })
  assert.ok(error instanceof Error)
  assert.equal([error.name, error.code, error.message, error.cause], ['GridError', 'CLOSED', 'the grid was closed', 1])
  assert.ok(isGridError(error))
  assert.ok(isGridError(error, 'CLOSED'))
  assert.not(isGridError(error, 'BAD_KEY'))
  assert.ok(isGridError(Object.assign(new Error('twin'), { name: 'GridError', code: 'CLOSED' }), 'CLOSED'))
  for (const other of [new Error('x'), Object.assign(new Error('x'), { code: 'CLOSED' }), { name: 'GridError', code: 'CLOSED' }, null]) {
    assert.not(isGridError(other))
  }
})

test('a quoted value is short, and quoting never throws', () => {
  const circle: Record<string, unknown> = {}
  circle['self'] = circle
  const quoted = ['a', '', 1, NaN, undefined, null, 1n, { a: 1 }, { a: 1n }, circle, Symbol('s'), function named() {}].map(quote)
  const expected = [
    '"a"',
    '""',
    '1',
    'NaN',
    'undefined',
    'null',
    '1n',
    '{"a":1}',
    '[object Object]',
    '[object Object]',
    'Symbol(s)',
    'function named',
  ]
  assert.equal(quoted, expected)
  assert.is(quote('x'.repeat(500)).length, 80)
})

test('openGrid refuses bad options', async () => {
  const refused: readonly (readonly [options: unknown, text: string])[] = [
    [{ id: '' }, 'id is ""'],
    [{ id: 7 }, 'id is 7'],
    [{ clocks: 1 }, 'openGrid has no option "clocks": it has id, clock, ids'],
    [null, 'options of openGrid is null'],
  ]
  for (const [options, text] of refused) {
    try {
      await openGrid(options as never)
      assert.unreachable(text)
    } catch (error) {
      assert.ok(isGridError(error, 'BAD_OPTION'), String(error))
      assert.ok(error.message.includes(text), error.message)
    }
  }
})

test('ids come from the given maker', async () => {
  const grid = await openGrid({ ids: () => 'made' })
  const named = await openGrid({ id: 'named', ids: () => 'made' })
  assert.equal([grid.id, named.id], ['made', 'named'])
  await Promise.all([grid.close(), named.close()])
})

test.run()
