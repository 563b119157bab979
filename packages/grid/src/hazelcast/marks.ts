import type { IMap } from 'hazelcast-client'
import type { Clock } from '../time/clock.ts'
import type { Pulse } from './pulse.ts'

/** What was said of one map by anybody. */
export interface Mark {
  /** The highest schema version that may stand there; Infinity: also what no grid of this release can read. */
  readonly highest: number
  /** Resolves when others know of the values that this process is about to write. */
  readonly announcing: Promise<void> | undefined
}

/** One thing that was said, as it stands in the map of beats for those who come later. */
interface Said {
  readonly map: string
  readonly schema: number
}

export interface MarksOptions {
  /** Real time. */
  readonly clock: Clock
  readonly pulse: Pick<Pulse, 'next' | 'heard'>
}

const AGAIN_MS = 50

/**
 * Which maps may hold values that not every process can read (I9): a put that asks nobody would go over them, so whoever cannot read them
 * has to look first. It is said in two ways: each beat says it of the maps its sender has open, so that those who live hear of it though
 * events get lost; and an entry beside the beats, which stays, says it to whoever connects later. A map in which all is as this release
 * and the first schema have it, as most are, has no mark and costs nothing.
 */
export class Marks {
  readonly #options: MarksOptions
  readonly #marks = new Map<string, { highest: number; announcing: Promise<void> | undefined }>()
  /** What this process has to say of each map: each entry is written once for a connection. */
  readonly #own = new Map<string, Set<number>>()
  #beats: IMap<string, string> | undefined

  constructor(options: MarksOptions) {
    this.#options = options
  }

  /** Of that map: always the same object. */
  of(map: string): Mark {
    return this.#of(map)
  }

  /** Somebody says that values of this schema may stand there. */
  see({ map, schema }: Said): void {
    const mark = this.#of(map)
    if (schema > mark.highest) mark.highest = schema
  }

  /** This process writes values of that schema, or has seen what no grid wrote (Infinity): all are told, now and on each connection. */
  tell(said: Said): void {
    const own = this.#own.get(said.map) ?? new Set()
    if (said.schema === 1 || own.has(said.schema)) return
    this.#own.set(said.map, own.add(said.schema))
    this.see(said)
    if (this.#beats !== undefined) this.#announce(said.map, this.#beats)
  }

  /** There is a connection, perhaps to a cluster that has forgotten everything. */
  attach(beats: IMap<string, string>): void {
    this.#beats = beats
    for (const map of this.#own.keys()) this.#announce(map, beats)
  }

  detach(): void {
    this.#beats = undefined
  }

  #of(map: string): { highest: number; announcing: Promise<void> | undefined } {
    const known = this.#marks.get(map)
    if (known !== undefined) return known
    const mark = { highest: 1, announcing: undefined }
    this.#marks.set(map, mark)
    return mark
  }

  #announce(map: string, beats: IMap<string, string>): void {
    const mark = this.#of(map)
    const announcing = this.#write(map, beats).finally(() => {
      if (mark.announcing === announcing) mark.announcing = undefined
    })
    // What others have put there is no reason for own writes to wait.
    if (Math.min(...(this.#own.get(map) ?? [])) < Infinity) mark.announcing = announcing
  }

  // The entry first: who connects meanwhile hears no beat of before.
  async #write(map: string, beats: IMap<string, string>): Promise<void> {
    const { clock, pulse } = this.#options
    while (this.#beats === beats) {
      try {
        for (const schema of this.#own.get(map) ?? []) await beats.set(...packMark({ map, schema }))
        return await pulse.heard(pulse.next)
      } catch {
        await new Promise<void>((resolve) => clock.setTimeout(resolve, AGAIN_MS))
      }
    }
  }
}

const FIRST = '{"map":'

/** One entry for each thing that can be said: so nobody's word takes the place of another's. */
export function packMark({ map, schema }: Said): [key: string, text: string] {
  return [`mark of ${map}: ${schema}`, JSON.stringify({ map, schema: schemaToJson(schema) })]
}

/** Undefined for what is no mark, as beats are. One that says more than this release knows is taken for the most that can be said. */
export function readMark(text: unknown): Said | undefined {
  if (typeof text !== 'string' || !text.startsWith(FIRST)) return undefined
  try {
    const { map, schema } = JSON.parse(text) as { readonly map: unknown; readonly schema: unknown }
    return typeof map === 'string' ? { map, schema: schemaFromJson(schema) } : undefined
  } catch {
    return undefined
  }
}

/** JSON has no Infinity. */
export function schemaToJson(schema: number): number | null {
  return schema === Infinity ? null : schema
}

export function schemaFromJson(schema: unknown): number {
  return Number.isSafeInteger(schema) ? (schema as number) : Infinity
}
