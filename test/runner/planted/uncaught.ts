import { suite } from 'uvu'

const test = suite('uncaught')
test('throws in a callback', async () => {
  await new Promise<void>((done) => {
    setImmediate(() => {
      done()
      throw new Error('planted in a callback')
    })
  })
})
test.run()
