import { suite } from 'uvu'

const test = suite('import')
test('never runs', () => {})
test.run()
throw new Error('planted while importing')
