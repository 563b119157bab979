import type { AnyMachineSnapshot, StateValue } from 'xstate'
import { copyOfValue } from './state-value.ts'

/** A snapshot in the same state as that one, with this context and these children. */
export function like(pattern: AnyMachineSnapshot, context: unknown, children: object): AnyMachineSnapshot {
  const { status, output, error, machine, _nodes, value, tags, historyValue, matches, hasTag, can, getMeta, toJSON } = pattern
  // In XState's order: so that these snapshots and those of later steps are of one shape to the engine.
  return {
    status,
    output,
    error,
    machine,
    context,
    _nodes,
    value: copyOfValue(value as StateValue),
    tags,
    children,
    historyValue,
    matches,
    hasTag,
    can,
    getMeta,
    toJSON,
  } as unknown as AnyMachineSnapshot
}
