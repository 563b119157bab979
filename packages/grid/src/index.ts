export { systemClock } from './clock.ts'
export type { Clock, TimerHandle } from './clock.ts'
export type {
  CommitResult,
  DriverChange,
  DriverContext,
  DriverFeed,
  DriverRecord,
  DriverSupports,
  DriverWrite,
  GridBackend,
  GridDriver,
  MapDriver,
} from './driver.ts'
export { embedded } from './embedded.ts'
export type { Change, Entry, ExpireChange, PutChange, RemoveChange, ResyncChange, SourceStamp } from './entry.ts'
export { GRID_ERRORS, GridError, isGridError } from './errors.ts'
export type { GridErrorCode } from './errors.ts'
export type { CompareAndSetResult, Consistency, Grid, GridMap, MapOptions, ReadOptions, Watch, WatchOptions, WriteOptions } from './grid.ts'
export type { GridHooks } from './hooks.ts'
export { openGrid } from './open-grid.ts'
export type { GridOptions } from './options.ts'
export type { TraceContext, TraceSlot } from './trace.ts'
export { createVirtualClock } from './virtual-clock.ts'
export type { RunOptions, VirtualClock, VirtualClockOptions } from './virtual-clock.ts'
