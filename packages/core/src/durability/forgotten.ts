/** What stands in the store where an agent has a fence and no state. */
export const FORGOTTEN: Uint8Array = new Uint8Array(0)

/** True for what `forget` has stored. */
export function isForgotten(value: Uint8Array): boolean {
  return value.byteLength === 0
}
