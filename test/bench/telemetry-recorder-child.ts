// Prints what XState costs in this process, alone and with who is named, as JSON.
import { measure, type Mode } from './telemetry-recorder.ts'

console.log(JSON.stringify(await measure(process.argv[2] as Mode, Number(process.argv[3]))))
