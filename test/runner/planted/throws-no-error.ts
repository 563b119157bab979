import { suite } from 'uvu'

const test = suite('no error')
test('throws undefined', () => {
  const nothing: unknown = undefined
  throw nothing
})
test.run()
