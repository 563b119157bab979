import { suite } from 'uvu'

const test = suite('skipped')
test('runs', () => {})
test.skip('says not why', () => {})
test.run()
