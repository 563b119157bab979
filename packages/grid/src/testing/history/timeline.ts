import type { Operation } from './operation.ts'

/** A call or a return, in a list of what is not yet done. */
export interface Moment {
  readonly kind: 'call' | 'return'
  /** Place of its operation in the history. */
  readonly operation: number
  readonly at: number
  next: Moment | undefined
  previous: Moment | undefined
}

/** The calls and returns of a history in time. Operations are taken out, and put back in the reverse order, each at once. */
export class Timeline {
  /** How many operations that returned are still in it. */
  returnsLeft = 0
  readonly #returns = new Map<number, Moment>()
  readonly #head: Moment = { kind: 'call', operation: -1, at: -Infinity, next: undefined, previous: undefined }

  constructor(operations: readonly Operation[]) {
    const moments: Moment[] = []
    for (const [operation, { calledAt, returnedAt }] of operations.entries()) {
      moments.push({ kind: 'call', operation, at: calledAt, next: undefined, previous: undefined })
      if (returnedAt === undefined) continue
      const end: Moment = { kind: 'return', operation, at: returnedAt, next: undefined, previous: undefined }
      moments.push(end)
      this.#returns.set(operation, end)
      this.returnsLeft += 1
    }
    // At the same moment calls come first: then the two overlapped, and either order is allowed.
    moments.sort((a, b) => a.at - b.at || Number(a.kind === 'return') - Number(b.kind === 'return'))
    let last = this.#head
    for (const moment of moments) {
      moment.previous = last
      last.next = moment
      last = moment
    }
  }

  get first(): Moment | undefined {
    return this.#head.next
  }

  take(call: Moment): void {
    unlink(call)
    const end = this.#returns.get(call.operation)
    if (end === undefined) return
    unlink(end)
    this.returnsLeft -= 1
  }

  putBack(call: Moment): void {
    const end = this.#returns.get(call.operation)
    if (end !== undefined) {
      link(end)
      this.returnsLeft += 1
    }
    link(call)
  }
}

// A moment taken out keeps its neighbours, so it finds its place again as long as the last taken is put back first.
function unlink({ previous, next }: Moment): void {
  if (previous !== undefined) previous.next = next
  if (next !== undefined) next.previous = previous
}

function link(moment: Moment): void {
  if (moment.previous !== undefined) moment.previous.next = moment
  if (moment.next !== undefined) moment.next.previous = moment
}
