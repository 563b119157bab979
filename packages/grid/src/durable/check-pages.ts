import { badOption, checkCount, checkNames } from '../store/rules.ts'

/**
 * Which pages of a file are read when it is opened, before lmdb is trusted with them: all, none, or as many as come to `maxBytes`, the
 * rest unseen. Large values count with one page each.
 */
export type CheckPages = 'always' | 'never' | { readonly maxBytes: number }

/** One or two seconds of one core. */
export const CHECKED_BYTES = 1_073_741_824

export function resolveCheckPages(given: CheckPages = { maxBytes: CHECKED_BYTES }): CheckPages {
  if (given === 'always' || given === 'never') return given
  if (typeof given !== 'object' || given === null) throw badOption('checkPages', given, "'always', 'never' or { maxBytes }")
  checkNames('checkPages', given, ['maxBytes'])
  return { maxBytes: checkCount('maxBytes', given.maxBytes, 0) }
}
