import { seedsTest } from './simulate-seeds.ts'

seedsTest(1, 100, 10)
