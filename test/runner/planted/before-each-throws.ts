import { suite } from 'uvu'

const test = suite('before each')
test.before.each(() => {
  throw new Error('the planted table was not made')
})
test('never runs', () => {})
test.run()
