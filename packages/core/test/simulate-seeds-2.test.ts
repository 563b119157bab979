// The second half.
import { seedsTest } from './simulate-seeds.ts'

seedsTest(151, 300, 50)
