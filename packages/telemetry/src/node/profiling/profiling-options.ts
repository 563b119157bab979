import { constants } from 'node:os'
import { TelemetryError } from '../../errors.ts'
import { integer, quote, text } from '../../options.ts'
import { optionsOf } from '../option-names.ts'
import type { ProfilingOptions } from './profile-signal.ts'

/** Signals that no process can listen to. */
const DEAF: readonly string[] = ['SIGKILL', 'SIGSTOP']

/** Undefined where no signal asks for profiles. Throws `TelemetryError` BAD_OPTION. */
export function profilingOf(given: boolean | ProfilingOptions | undefined): Required<ProfilingOptions> | undefined {
  if (given === undefined || given === false) return undefined
  const { signal = 'SIGUSR2', folder = '.', seconds = 10 } = given === true ? {} : optionsOf.profiling(given)
  text('profiling.folder', folder)
  if (!Object.hasOwn(constants.signals, signal) || DEAF.includes(signal)) {
    throw new TelemetryError('BAD_OPTION', `profiling.signal is ${quote(signal)}: give a signal such as "SIGUSR2"`)
  }
  return { signal, folder, seconds: integer('profiling.seconds', seconds, 10, 1, 600) }
}
