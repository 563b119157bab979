import type { LogFields } from './log-fields.ts'

/** What every line has. Readers of JSON take the last of two fields with one name, so one of the user's would take its place. */
const OURS: ReadonlySet<string> = new Set(['level', 'time', 'service'])
const JOINED = ['trace_id', 'span_id', 'plan_id', 'agent_id', 'agent_type'] as const satisfies readonly (keyof LogFields)[]
/** All names that may be taken. */
const NAMES: readonly string[] = [...OURS, ...JOINED, 'msg']

/** What a child of a logger says in each line. */
export interface ChildFields {
  /** What lines can be joined with, under the names of that: whether it is told so is known only when a line is written. */
  readonly joinable: Readonly<Record<string, unknown>>
  readonly others: object
}

/** `joinable`: that of the logger whose child it is. Its own come first. */
export function childFields(given: object, joinable: ChildFields['joinable']): ChildFields {
  const entries = Object.entries(given) as readonly (readonly [string, unknown])[]
  return {
    joinable: { ...joinable, ...Object.fromEntries(entries.filter(([name]) => isJoinable(name))) },
    others: Object.fromEntries(
      entries
        .filter(([name]) => !isJoinable(name))
        .map(([name, value]) => [OURS.has(name) || name === 'msg' ? `field.${name}` : name, value]),
    ),
  }
}

/**
 * The fields of a line: what is joined with it stands, and a field of the user's that the line has already is called `field.<name>`.
 * `hasText`: the line has a message beside its fields. Changes `joined`, which is the line's own.
 */
export function lineFields(given: object, joined: LogFields, hasText: boolean): object {
  const taken = (name: string): boolean => OURS.has(name) || Object.hasOwn(joined, name) || (hasText && name === 'msg')
  // Most lines have none of these.
  if (!NAMES.some((name) => Object.hasOwn(given, name) && taken(name))) return Object.assign(joined, given)
  const own: Readonly<Record<string, unknown>> = { ...joined }
  const renamed = (Object.entries(given) as readonly (readonly [string, unknown])[])
    .filter(([name, value]) => own[name] !== value)
    .map(([name, value]) => [taken(name) ? `field.${name}` : name, value] as const)
  return { ...joined, ...Object.fromEntries(renamed) }
}

function isJoinable(name: string): boolean {
  return (JOINED as readonly string[]).includes(name)
}
