import { TelemetryError } from './errors.ts'
import type { BaseLabels } from './labels.ts'

export const DEFAULT_MAX_LABEL_VALUES = 200

/** region and policyVersion, each a non-empty string where given. */
export function baseLabels(options: BaseLabels): BaseLabels {
  const region = text('region', options.region)
  const policyVersion = text('policyVersion', options.policyVersion)
  return { ...(region === undefined ? {} : { region }), ...(policyVersion === undefined ? {} : { policyVersion }) }
}

export function integer(name: string, value: unknown, byDefault: number, min: number, max: number): number {
  if (value === undefined) return byDefault
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value
  throw new TelemetryError('BAD_OPTION', `${name} is ${quote(value)}: give an integer from ${min} to ${max}`)
}

export function flag(name: string, value: unknown, byDefault: boolean): boolean {
  if (value === undefined) return byDefault
  if (typeof value === 'boolean') return value
  throw new TelemetryError('BAD_OPTION', `${name} is ${quote(value)}: give true or false`)
}

export function text(name: string, value: unknown): string | undefined {
  if (value === undefined) return undefined
  if (typeof value === 'string' && value !== '') return value
  throw new TelemetryError('BAD_OPTION', `${name} is ${quote(value)}: give a non-empty string`)
}

export function quote(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}
