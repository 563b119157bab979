import { suite } from 'uvu'
import { recordedCells } from '../../packages/robotics-swarm/test/recorded-cells.ts'
import { replayReally } from '../../packages/robotics-swarm/test/replay-real-kit.ts'

const test = suite('replay: every session on the real clock')

test('at 20 times the speed: stops equal the accepted intervals over the limit', async () => {
  const { recording } = await recordedCells([])
  await replayReally(recording, 20)
})

test.run()
