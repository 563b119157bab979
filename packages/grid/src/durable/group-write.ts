import type { RowKind } from './row-kind.ts'

/** What waits for a group commit, and who waits for it. */
export abstract class Waiting<T> {
  /** Set by a plan that is part of what is being committed. */
  refused: unknown = undefined
  over = false
  dueMs = 0
  #resolve: (result: T) => void = () => undefined
  #reject: (error: unknown) => void = () => undefined

  /** Committed by itself, and only if no other process has written such rows since it was planned. */
  abstract readonly exclusive: boolean
  /** All or none of them, each planned upon those before it. */
  abstract readonly parts: readonly GroupWrite<unknown, unknown>[]
  abstract result(): T

  wait(dueMs: number): Promise<T> {
    this.dueMs = dueMs
    return new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  succeed(): void {
    if (this.over) return
    this.over = true
    if (this.refused === undefined) this.#resolve(this.result())
    else this.#reject(this.refused)
  }

  fail(error: unknown): void {
    if (this.over) return
    this.over = true
    this.#reject(error)
  }
}

/** One write of rows of one kind: what it looks at, and what it makes of it. */
export abstract class GroupWrite<Row, T> extends Waiting<T> {
  abstract readonly kind: RowKind<Row>
  readonly exclusive: boolean = false
  /** How many rows the last {@link ids} were. */
  count = 0
  readonly parts: readonly GroupWrite<unknown, unknown>[] = [this as unknown as GroupWrite<unknown, unknown>]

  /** The rows it depends on. Asked for before each plan. */
  abstract ids(): readonly string[]
  /**
   * Decides on the present rows, which it does not change itself: gives what they become (undefined: nothing), or throws to refuse.
   * May run again.
   */
  abstract plan(rows: readonly (Row | undefined)[]): readonly (Row | undefined)[]
  /** Puts what goes to other tables in the same transaction. */
  abstract write(): void
}

/** Erases what it is made of, for those who only commit it. */
export function anyPart<Row, T>(write: GroupWrite<Row, T>): GroupWrite<unknown, unknown> {
  return write as unknown as GroupWrite<unknown, unknown>
}

/** A write of more rows than this is exclusive: conditions within conditions are not to go deeper. */
export const MANY = 200

/** Several writes, of whichever kinds: all or none. Its result is theirs, in order. */
export class JointWrite extends Waiting<readonly unknown[]> {
  readonly parts: readonly GroupWrite<unknown, unknown>[]

  constructor(parts: readonly GroupWrite<unknown, unknown>[]) {
    super()
    this.parts = parts
  }

  get exclusive(): boolean {
    return this.parts.length > MANY || this.parts.some(({ exclusive }) => exclusive)
  }

  override result(): readonly unknown[] {
    return this.parts.map((part) => part.result())
  }
}
