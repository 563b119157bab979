// Of 1,000 seeds the second quarter: a file of tests has a limit of time.
import { seedsTest } from './simulate-seeds.ts'

seedsTest(251, 500)
