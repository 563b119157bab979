import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('failing')
test('is fine', () => assert.ok(true))
test('is planted', () => assert.equal({ a: 1 }, { a: 2 }))
test.run()
