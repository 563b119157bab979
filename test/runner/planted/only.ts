import { suite } from 'uvu'

const test = suite('only')
test('does not run', () => {})
test.only('runs alone', () => {})
test.run()
