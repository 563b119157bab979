// Of 1,000 seeds the last quarter: a file of tests has a limit of time.
import { seedsTest } from './simulate-seeds.ts'

seedsTest(751, 1000)
