import { createVirtualClock, systemClock, type Clock } from '@stigmergy/grid'
import { SwarmError } from '../errors.ts'

/** The clock named by `--clock`. @throws SwarmError BAD_OPTION */
export function chooseClock(name: string): Clock {
  if (name === 'virtual') return createVirtualClock()
  if (name === 'real') return systemClock()
  throw new SwarmError('BAD_OPTION', `--clock is '${name}': give virtual (as fast as the machine can) or real`)
}
