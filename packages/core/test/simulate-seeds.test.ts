// A thousand seeds, within two minutes on two cores that are quiet. Beside other work it takes longer.
import { takesUpTo } from '../../../test/runner/time-limit.ts'
import { seedsTest } from './simulate-seeds.ts'

takesUpTo(300_000)
seedsTest(1, 1000)
