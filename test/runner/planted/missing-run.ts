import { suite } from 'uvu'

const test = suite('forgotten')
test('never runs', () => {})
