export { bounded } from './bounded.ts'
export type { BoundedOptions } from './bounded.ts'
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
  TopicDriver,
  WriteId,
} from './driver.ts'
export { embedded } from './embedded.ts'
export type { EmbeddedOptions } from './embedded-options.ts'
export type { Change, Entry, ExpireChange, PutChange, RemoveChange, ResyncChange, SourceStamp, Stamps } from './entry.ts'
export { GRID_ERRORS, GridError, isGridError } from './errors.ts'
export type { GridErrorCode } from './errors.ts'
export type { AgeEvent, AgeOptions, CompareAndSetResult, Consistency, Grid, GridMap, Interest, MapOptions, Merge } from './grid.ts'
export type { ReadOptions, Watch, WatchOptions, WriteOptions } from './grid.ts'
export { GUARANTEES, HOLDINGS } from './guarantees.ts'
export type { ConsistencyGuarantee, Guarantee, Holding } from './guarantees.ts'
export type { GridHooks } from './hooks.ts'
export type { EqualIndex, IndexKey, SortedIndex } from './map-index.ts'
export { openGrid } from './open-grid.ts'
export type { GridOptions } from './options.ts'
export type { GridStats, MapStats, TopicStats } from './stats.ts'
export type { SubscribeOptions, Subscription, Topic, TopicMessage } from './topic.ts'
export type { TraceContext, TraceSlot } from './trace.ts'
export { createVirtualClock } from './virtual-clock.ts'
export type { RunOptions, VirtualClock, VirtualClockOptions } from './virtual-clock.ts'
