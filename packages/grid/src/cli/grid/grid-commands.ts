import type { CommandGroup } from '../command.ts'
import { get } from './get.ts'
import { inspect } from './inspect.ts'
import { tail } from './tail.ts'
import { verify } from './verify.ts'

/** `stigmergy grid …`, for a person in trouble: they only look. */
export const gridCommands: CommandGroup = {
  name: 'grid',
  summary: 'look into a durable grid: what it holds, and whether it is sound',
  commands: [inspect, get, tail, verify],
}
