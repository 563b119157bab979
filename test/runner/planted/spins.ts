import { suite } from 'uvu'

const test = suite('spin')
test('passes', () => {})
test('never yields', () => {
  while (process.pid > 0);
})
test.run()
