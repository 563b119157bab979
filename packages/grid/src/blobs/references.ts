import semver from 'semver'
import { badOption, checkId } from '../store/rules.ts'
import { StoreError } from '../store/errors.ts'
import { quote } from '../errors.ts'

const ID = /^[0-9a-f]{64}$/

export function isBlobId(reference: string): boolean {
  return ID.test(reference)
}

export function checkBlobId(id: string): string {
  if (typeof id === 'string' && isBlobId(id)) return id
  throw new StoreError('BAD_ID', `id is ${quote(id)}: give the 64 lower-case hex digits that put() returned`)
}

export function checkTagName(name: string): string {
  if (checkId(name, 'name').includes('@')) throw new StoreError('BAD_ID', `name is ${quote(name)}: give one without @`)
  if (isBlobId(name)) throw new StoreError('BAD_ID', `name is ${quote(name)}: give one that is no id of a blob`)
  return name
}

/** One version, and no range. */
export function isVersion(range: string): boolean {
  return semver.valid(range) === range
}

export function checkVersion(version: string): string {
  if (typeof version === 'string' && isVersion(version)) return version
  throw badOption('version', version, 'a semantic version such as 2.3.1')
}

/** `policy@^2.3`, taken apart; a name alone means any version. Throws `StoreError` BAD_ID or BAD_OPTION. */
export function parseReference(reference: string): { readonly name: string; readonly range: string } {
  if (typeof reference !== 'string') throw badOption('reference', reference, 'an id, or a tag such as policy@^2.3')
  const at = reference.indexOf('@')
  const name = checkTagName(at < 0 ? reference : reference.slice(0, at))
  const range = at < 0 ? '*' : reference.slice(at + 1)
  if (range.trim() !== '' && semver.validRange(range) !== null) return { name, range }
  throw badOption('version', range, 'a semantic version or range such as 2.3.1, ^2.3 or 2.x')
}

/** The newest version in the range; undefined if there is none. */
export function newest(versions: readonly string[], range: string): string | undefined {
  return semver.maxSatisfying(versions, range) ?? undefined
}

export function byVersion(a: { readonly version: string }, b: { readonly version: string }): number {
  return semver.compare(a.version, b.version)
}
