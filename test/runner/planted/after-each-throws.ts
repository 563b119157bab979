import { suite } from 'uvu'

const test = suite('after each')
test.after.each(() => {
  throw new Error('the planted table was not dropped')
})
test('passes but for its hook', () => {})
test('passes but for its hook too', () => {})
test.run()
