import { suite } from 'uvu'

const test = suite('pending')
test('is fine', () => {})
test('waits for nobody', () => new Promise<void>(() => {}))
test.run()
