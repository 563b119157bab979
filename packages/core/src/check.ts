import { CoreError } from './errors.ts'

/** A value as it is quoted in an error message. */
export function quote(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'function') return `a function (${value.name || 'anonymous'})`
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object'
  return String(value)
}

function refuse(name: string, value: unknown, wants: string): never {
  throw new CoreError('BAD_OPTION', `${name} is ${quote(value)}: give ${wants}`)
}

/** `value`, or `fallback` if there is none; throws BAD_OPTION unless it is a number from `min` to `max`. */
export function numberOption(name: string, value: number | undefined, fallback: number, min: number, max: number): number {
  if (value === undefined) return fallback
  if (typeof value === 'number' && value >= min && value <= max) return value
  return refuse(name, value, max === Infinity ? `a number of at least ${min}` : `a number from ${min} to ${max}`)
}

/** As `numberOption`, for whole numbers. */
export function integerOption(name: string, value: number | undefined, fallback: number, min: number): number {
  if (value === undefined || (Number.isSafeInteger(value) && value >= min)) return value ?? fallback
  return refuse(name, value, `a whole number of at least ${min}`)
}

/** `value`, or `fallback` if there is none; throws BAD_OPTION unless it is one of `choices`. `also`: what else could have been given. */
export function choiceOption<T extends string>(name: string, value: T | undefined, fallback: T, choices: readonly T[], also?: string): T {
  if (value === undefined) return fallback
  if (choices.includes(value)) return value
  const named = choices.map((choice) => `'${choice}'`)
  return refuse(name, value, `one of ${[...named, ...(also === undefined ? [] : [also])].join(', ')}`)
}

/** `value`; throws BAD_OPTION unless it is a function. */
export function functionOption<T>(name: string, value: T): T {
  return typeof value === 'function' ? value : refuse(name, value, 'a function')
}

/** `value`, or `fallback` if there is none; throws BAD_OPTION unless it is a non-empty string. */
export function textOption<T extends string | undefined>(name: string, value: string | undefined, fallback: T): string | T {
  if (value === undefined) return fallback
  return typeof value === 'string' && value !== '' ? value : refuse(name, value, 'a non-empty string')
}

/** `value`; throws BAD_OPTION unless it is a non-empty string. */
export function nameOption(name: string, value: string): string {
  return typeof value === 'string' && value !== '' ? value : refuse(name, value, 'a non-empty string')
}

/** `value`, or nothing; throws BAD_OPTION unless it is a signal. */
export function signalOption(value: AbortSignal | undefined): AbortSignal | undefined {
  return value === undefined || value instanceof AbortSignal ? value : refuse('signal', value, 'an AbortSignal')
}

/** All names that an object of options may have: none can be forgotten, nor one too many. */
export type Names<T> = Readonly<Record<keyof Required<T>, true>>

/**
 * `options`, or none; throws BAD_OPTION unless it is an object of these names: what is misspelt would count as not given.
 * `of`: what they are options of.
 */
export function optionsOf<T extends object>(of: string, options: T | undefined, names: Names<T>): Partial<T> {
  if (options === undefined) return {}
  if (typeof options !== 'object' || options === null || Array.isArray(options)) return refuse(of, options, 'an object of options')
  for (const name in options) {
    if (Object.hasOwn(names, name) || !Object.hasOwn(options, name)) continue
    throw new CoreError('BAD_OPTION', `${of} has no option ${quote(name)}: give ${Object.keys(names).join(', ')}`)
  }
  return options
}

/** `value`, or nothing; throws BAD_OPTION unless all these parts of it are functions. */
export function partsOption<T>(name: string, value: T, parts: readonly (keyof NonNullable<T> & string)[], wants: string): T {
  if (value === undefined) return value
  const given = value as Readonly<Record<string, unknown>> | null
  return given !== null && typeof given === 'object' && parts.every((part) => typeof given[part] === 'function')
    ? value
    : refuse(name, value, wants)
}
