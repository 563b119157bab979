import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('good')
test('adds', () => assert.is(1 + 1, 2))
test('waits', async () => assert.is(await Promise.resolve(3), 3))
test.run()
