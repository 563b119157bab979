import { readFile } from 'node:fs/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { SWARM_ERRORS } from '../src/errors.ts'

const test = suite('swarm readme')

test('the table of errors is the one in the code', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  const rows = [...readme.matchAll(/^\| `([A-Z_]+)` \| (.*) \|$/gm)].map((match) => [match[1], match[2]])
  assert.equal(rows, Object.entries(SWARM_ERRORS))
})

test.run()
