import { suite } from 'uvu'
import { recordedCells, shortest } from './recorded-cells.ts'
import { replayReally } from './replay-real-kit.ts'

const test = suite('replay: real clock')

test('the shortest session at 20 times the speed: stops equal the accepted intervals over the limit', async () => {
  const { recording } = await recordedCells([])
  await replayReally(shortest(recording), 20)
})

test.run()
