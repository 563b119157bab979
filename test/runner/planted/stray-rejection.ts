import { suite } from 'uvu'

const test = suite('stray')
test('lets a promise fall', () => {
  void Promise.reject(new Error('planted and never caught'))
})
test.run()
