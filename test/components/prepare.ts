// Fetches and builds what the tests start, before any of them is under its time limit.
import { findVersitygw } from './versitygw.ts'

console.log(`versitygw: ${(await findVersitygw()) ?? 'there is no Go to build it with'}`)
