// Many more seeds than the tests: other chances, the same promises.
import { seedsTest } from '../../packages/core/test/simulate-seeds.ts'

seedsTest(1001, 11_000, 1000)
