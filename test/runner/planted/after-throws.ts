import { suite } from 'uvu'

const test = suite('after')
test.after(() => {
  throw new Error('the planted cluster never stopped')
})
test('passes', () => {})
test.run()
