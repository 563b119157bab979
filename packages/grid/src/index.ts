export { bounded } from './bounded.ts'
export type { BoundedOptions } from './bounded.ts'
export { systemClock } from './time/clock.ts'
export type { Clock, TimerHandle } from './time/clock.ts'
export type {
  CommitResult,
  DriverChange,
  DriverContext,
  DriverFeed,
  DriverRecord,
  DriverSupports,
  DriverPut,
  DriverWrite,
  GridBackend,
  GridDriver,
  MapDriver,
  TopicDriver,
  WriteId,
} from './driver.ts'
export { embedded } from './embedded/embedded.ts'
export type { EmbeddedOptions } from './embedded/embedded-options.ts'
export { strongerReason } from './feed/stronger-reason.ts'
export type { Change, Entry, ExpireChange, PutChange, RemoveChange, ResyncChange, ResyncReason, SourceStamp, Stamps } from './map/entry.ts'
export { GRID_ERRORS, GridError, isGridError } from './errors.ts'
export type { GridErrorCode } from './errors.ts'
export type { AgeEvent, AgeOptions, CompareAndSetResult, Consistency, Grid, GridMap, Interest, MapOptions, Merge } from './grid.ts'
export type { ReadOptions, Watch, WatchOptions, WriteOptions } from './grid.ts'
export { GUARANTEES, HOLDINGS } from './guarantees.ts'
export type { ConsistencyGuarantee, Guarantee, Holding } from './guarantees.ts'
export type { GridHooks } from './hooks.ts'
export type { EqualIndex, IndexKey, SortedIndex } from './map/map-index.ts'
export { openGrid } from './open-grid.ts'
export type { GridOptions } from './options.ts'
export type { GridStats, MapStats, TopicStats } from './map/stats.ts'
export type { PublishOptions, SubscribeOptions, Subscription, Topic, TopicMessage } from './feed/topic.ts'
export { copyTrace, type TraceContext, type TraceSlot } from './map/trace.ts'
export { createVirtualClock } from './time/virtual-clock.ts'
export type { RunOptions, VirtualClock, VirtualClockOptions } from './time/virtual-clock.ts'
