// Prints what the recorder costs in this process, as JSON.
import { measureRecorder } from './telemetry-recorder.ts'

console.log(JSON.stringify(await measureRecorder()))
