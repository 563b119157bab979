import { suite } from 'uvu'

const test = suite('before')
test.before(() => {
  throw new Error('the planted cluster never started')
})
test('never runs', () => {})
test('never runs either', () => {})
test.run()
