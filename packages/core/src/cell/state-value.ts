import type { StateValue } from 'xstate'

/** Each snapshot has a value of its own, as XState's have. */
export function copyOfValue(value: StateValue): StateValue {
  if (typeof value === 'string') return value
  const copy: Record<string, StateValue> = {}
  for (const key in value) copy[key] = copyOfValue(value[key] as StateValue)
  return copy
}

/** A state's value as a key: no two values have the same one. */
export function keyOfValue(value: StateValue): string {
  return typeof value === 'string' && !value.startsWith('{') && !value.startsWith('"') ? value : JSON.stringify(value)
}
