import type { Clock } from '../time/clock.ts'
import type { Codec } from '../map/codec.ts'
import type { HybridClock } from '../time/hybrid-clock.ts'
import type { InFlight } from '../map/in-flight.ts'
import type { Link } from './link.ts'
import type { Marks } from './marks.ts'
import type { ResolvedHazelcastOptions } from './options.ts'
import type { Announcement } from './own-writes.ts'
import type { Pulse } from './pulse.ts'

/** What the maps of one grid share. */
export interface HazelcastMapContext {
  readonly session: string
  /** Stamps entries. */
  readonly clock: Clock
  readonly hybrid: HybridClock
  readonly options: ResolvedHazelcastOptions
  readonly link: Link
  readonly pulse: Pulse
  /** Places for the commits of all of them. */
  readonly inFlight: InFlight
  readonly marks: Marks
  readonly codec: Codec
  /** Resolves when others know that this process writes. */
  readonly joined: () => Promise<void> | undefined
  readonly announce?: (said: Announcement) => Announcement
}
