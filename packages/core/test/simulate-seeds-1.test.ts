// Of 1,000 seeds the first quarter: a file of tests has a limit of time.
import { seedsTest } from './simulate-seeds.ts'

seedsTest(1, 250)
