// Many more seeds than the tests: other chances, the same promises.
import { seedsTest } from '../../packages/core/test/simulate-seeds.ts'

seedsTest(301, 10_300, 1000)
