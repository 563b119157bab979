import { suite } from 'uvu'
import { needs } from '../needs.ts'

const test = suite('needs')
test('runs anywhere', () => {})
const onMoon = needs(test, 'a planted moon', false)
onMoon('runs on the moon', () => {})
const onEarth = needs(test, 'the earth', true)
onEarth('runs on earth', () => {})
test.run()
