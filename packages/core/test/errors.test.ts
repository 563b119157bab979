import { readFile } from 'node:fs/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { CORE_ERRORS, CoreError, isCoreError } from '../src/index.ts'

const test = suite('errors')

test('the table in the README is the table in the code', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  const rows = [...readme.matchAll(/^\| `([A-Z_]+)` \| (.*) \|$/gm)].map(([, code, meaning]) => [code, meaning])
  assert.equal(rows, Object.entries(CORE_ERRORS))
})

test('every code is used, and every code used is in the table', async () => {
  const { readdir } = await import('node:fs/promises')
  const folder = new URL('../src/', import.meta.url)
  const used = new Set<string>()
  for (const file of await readdir(folder, { recursive: true })) {
    if (!file.endsWith('.ts')) continue
    const source = await readFile(new URL(file, folder), 'utf8')
    for (const [, code] of source.matchAll(/CoreError\('([A-Z_]+)'/g)) used.add(code ?? '')
  }
  assert.equal([...used].sort(), Object.keys(CORE_ERRORS).sort())
})

test('the guard knows its errors by name, so that a second copy of the package is understood', () => {
  const error = new CoreError('CLOSED', 'closed')
  assert.ok(isCoreError(error))
  assert.ok(isCoreError(error, 'CLOSED'))
  assert.not(isCoreError(error, 'BAD_OPTION'))
  assert.not(isCoreError(new Error('closed')))
  assert.not(isCoreError(undefined))
  assert.ok(isCoreError(Object.assign(new Error('x'), { name: 'CoreError', code: 'CLOSED' }), 'CLOSED'))
})

test.run()
