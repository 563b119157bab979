import type { Client } from 'hazelcast-client'
import type { Clock } from '../time/clock.ts'
import type { DriverSupports } from '../driver.ts'

/** A name of the CP subsystem that is asked for only to learn whether there is one. */
const PROBE = 'stigmergy.probe'
const PROBE_MS = 500

/** What this cluster can give, asked of it. */
export async function probe(client: Client, clock: Clock): Promise<DriverSupports> {
  const members = client.getCluster().getMembers()
  const versions = members.map((member) => versionOf(member))
  return {
    consistency: new Set(['eventual', 'session', 'strong']),
    // A partition's owner answers alone: one that was cut off or paused does not know that it is not the owner any more.
    linearizable: false,
    atomicPutAll: false,
    topics: true,
    server: { product: 'hazelcast', versions: [...new Set(versions)].toSorted(), members: members.length, cp: await hasCp(client, clock) },
  }
}

// The client knows it and does not say so in its types.
function versionOf(member: object): string {
  const { version } = member as { readonly version?: { readonly major: number; readonly minor: number; readonly patch: number } }
  return version === undefined ? 'unknown' : `${version.major}.${version.minor}.${version.patch}`
}

async function hasCp(client: Client, clock: Clock): Promise<boolean> {
  let timer: unknown
  const late = new Promise<boolean>((resolve) => {
    timer = clock.setTimeout(() => resolve(false), PROBE_MS)
  })
  const asked = client
    .getCPSubsystem()
    .getAtomicLong(PROBE)
    .then(
      () => true,
      () => false,
    )
  const answer = await Promise.race([asked, late])
  clock.clearTimeout(timer)
  return answer
}
