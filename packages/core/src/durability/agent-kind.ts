import type { AnyStateMachine } from 'xstate'
import { quote, textOption } from '../check.ts'
import { CoreError } from '../errors.ts'
import { resolveMigrations, type Migration } from './migration.ts'
import { checkVersion, isMachine } from '../spawn.ts'

/** A kind of agent that the new program has. */
export interface AgentKind {
  readonly machine: AnyStateMachine
  /** As in `spawn`. @default machine.id */
  readonly type?: string
  /** As in `spawn`. */
  readonly migrations?: readonly Migration[]
}

/** The kinds by type. Throws `CoreError` BAD_OPTION, also if two are of one type. */
export function resolveKinds(kinds: readonly AgentKind[]): ReadonlyMap<string, AgentKind> {
  if (!Array.isArray(kinds)) throw new CoreError('BAD_OPTION', `kinds is ${quote(kinds)}: give a list of { machine, migrations }`)
  const byType = new Map<string, AgentKind>()
  for (const [at, kind] of kinds.entries()) {
    const name = `kinds[${at}]`
    try {
      const [type, resolved] = resolveKind(kind as Partial<AgentKind> | null | undefined)
      if (byType.has(type)) throw new CoreError('BAD_OPTION', `type is ${quote(type)} a second time: give each type once`)
      byType.set(type, resolved)
    } catch (error) {
      throw error instanceof CoreError ? new CoreError('BAD_OPTION', `${name}: ${error.message}`) : error
    }
  }
  return byType
}

function resolveKind(kind: Partial<AgentKind> | null | undefined): readonly [string, AgentKind] {
  const { machine, type, migrations } = kind ?? {}
  if (machine === undefined || !isMachine(machine)) {
    const found = machine === undefined ? `${quote(kind)} has no machine` : `machine is ${quote(machine)}`
    throw new CoreError('BAD_OPTION', `${found}: give { machine, migrations } with an XState v5 state machine`)
  }
  checkVersion(machine)
  if (migrations !== undefined && !Array.isArray(migrations))
    throw new CoreError('BAD_OPTION', `migrations is ${quote(migrations)}: give a list`)
  const resolved = resolveMigrations(migrations)
  return [textOption('type', type, machine.id), { machine, ...(resolved && { migrations: resolved }) }]
}
