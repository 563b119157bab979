// The first half: a file of tests has a limit of time.
import { seedsTest } from './simulate-seeds.ts'

seedsTest(1, 150, 50)
