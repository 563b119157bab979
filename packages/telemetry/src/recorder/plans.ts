import { PLAN_SHIFT } from './layout.ts'
import type { StringTable } from './strings.ts'

/** Ids of plans in records. They stand above the flags of the field `kind`, so that a record without a plan costs nothing more. */
export class Plans {
  readonly #strings: StringTable
  /** The one of the last record: a plan has many. */
  #last = ''
  #bits = 0
  #epoch = 0

  constructor(strings: StringTable) {
    this.#strings = strings
  }

  /** What a record of that plan has in `kind`. Other texts come and go with their epochs: see {@link StringTable}. */
  bits(plan: string): number {
    const strings = this.#strings
    if (plan !== this.#last || this.#epoch !== strings.epoch) {
      this.#bits = strings.internId(plan) << PLAN_SHIFT
      this.#last = plan
      this.#epoch = strings.epoch
    }
    return this.#bits
  }
}
