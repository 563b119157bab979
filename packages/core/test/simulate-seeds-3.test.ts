// Of 1,000 seeds the third quarter: a file of tests has a limit of time.
import { seedsTest } from './simulate-seeds.ts'

seedsTest(501, 750)
