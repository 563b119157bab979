import type { Grid } from '@stigmergy/grid'
import type { SystemOptions } from './actor-system.ts'
import { functionOption, optionsOf, partsOption, quote, type Names } from './check.ts'
import { CoreError } from './errors.ts'

const NAMES: Names<SystemOptions> = {
  grid: true,
  store: true,
  storeTimeoutMs: true,
  authority: true,
  leaseMs: true,
  leaseWaitMs: true,
  actuators: true,
  maps: true,
  clock: true,
  wallNow: true,
  hooks: true,
  random: true,
  ids: true,
  mailbox: true,
  supervision: true,
  deadLetters: true,
}

/** What a system is made of. Numbers and options of its parts are checked where they are used. Throws `CoreError` BAD_OPTION. */
export function checkSystemOptions(options: SystemOptions | undefined): asserts options is SystemOptions {
  optionsOf('createSystem', options, NAMES)
  const grid = options?.grid as Partial<Grid> | null | undefined
  if (typeof grid?.map !== 'function') throw new CoreError('BAD_OPTION', `grid is ${quote(grid)}: give what openGrid() returns`)
  const { store, clock, random, ids, wallNow, maps } = options as SystemOptions
  partsOption('store', store, ['get', 'commit'], 'memoryStore() or what a store of the grid is opened with')
  partsOption('clock', clock, ['now', 'setTimeout', 'clearTimeout'], 'a clock such as createVirtualClock()')
  if (random !== undefined) functionOption('random', random)
  if (ids !== undefined) functionOption('ids', ids)
  if (wallNow !== undefined) functionOption('wallNow', wallNow)
  if (maps !== undefined) functionOption('maps', maps)
}
