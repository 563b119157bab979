import type { Client } from 'hazelcast-client'

/** Before a value of bytes, as the client packs it: partition hash (none), type, length; four bytes each. */
export const WIRE_HEAD = 12
const BYTES_TYPE = -12

/** How keys and values are handed to the client. */
export interface Wire {
  /** To be made once for each key: packing it, and finding its partition, is not done again. */
  key(key: string): unknown
  /** `packed`: a value behind `WIRE_HEAD` bytes that `packWireHead` has filled in. */
  value(packed: Buffer): unknown
}

interface Packed {
  toBuffer(): Buffer
  getPartitionHash(): number
}

type PackedClass = new (payload: Buffer) => Packed

/** What this release of the client has, and its types do not say. */
interface Internals {
  readonly getSerializationService?: () => { readonly toData?: (value: unknown) => Packed } | undefined
}

const PLAIN: Wire = { key: (key) => key, value: (packed) => packed.subarray(WIRE_HEAD) }

/** Fills in what the client would put before these bytes. */
export function packWireHead(packed: Buffer): void {
  packed.writeInt32BE(0, 0)
  packed.writeInt32BE(BYTES_TYPE, 4)
  packed.writeInt32BE(packed.length - WIRE_HEAD, 8)
}

/**
 * The client packs each value into buffers that it makes anew for each of its parts, which costs as much as all else that it does for a
 * put. What is packed already it takes as it is. Whether this release of it does so, and packs as is said here, is seen by a trial;
 * where not, it is given what its documentation says.
 */
export function wireOf(client: Client): Wire {
  const service = (client as Internals).getSerializationService?.()
  if (typeof service?.toData !== 'function') return PLAIN
  const pack = (value: unknown): Packed => service.toData?.(value) as Packed
  const trial = Buffer.from([...Buffer.alloc(WIRE_HEAD), 1, 2, 3])
  packWireHead(trial)
  const made = pack(trial.subarray(WIRE_HEAD))
  const Data = made.constructor as PackedClass
  const isAsSaid = made.toBuffer().equals(trial) && pack(new Data(trial)) instanceof Data && typeof made.getPartitionHash === 'function'
  if (!isAsSaid) return PLAIN
  return {
    key(key) {
      const packed = pack(key)
      const hash = packed.getPartitionHash()
      packed.getPartitionHash = () => hash
      return packed
    },
    value: (packed) => new Data(packed),
  }
}
