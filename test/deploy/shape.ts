/** What a document may be: one of these texts or patterns, a list, or an object with these names, those with `?` being optional. */
export type Shape = RegExp | readonly [Shape] | { readonly [name: string]: Shape } | ((value: unknown) => boolean)

/** What in the document is not as the shape says, as `path: what it is`; nothing if it is. `*` names any other name. */
export function differences(value: unknown, shape: Shape, path = ''): readonly string[] {
  const wrong = [`${path}: ${JSON.stringify(value)}`]
  if (typeof shape === 'function') return shape(value) ? [] : wrong
  if (shape instanceof RegExp) return typeof value === 'string' && shape.test(value) ? [] : wrong
  if (Array.isArray(shape)) {
    if (!Array.isArray(value) || value.length === 0) return wrong
    return value.flatMap((item, at) => differences(item, shape[0] as Shape, `${path}[${at}]`))
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return wrong
  const names = shape as { readonly [name: string]: Shape }
  const missing = Object.keys(names).filter((name) => name !== '*' && !name.endsWith('?') && !(name in value))
  const inside = Object.entries(value).flatMap(([name, item]) => {
    const allowed = names[name] ?? names[`${name}?`] ?? names['*']
    return allowed === undefined ? [`${path}.${name}: is not known`] : differences(item, allowed, `${path}.${name}`)
  })
  return [...missing.map((name) => `${path}.${name}: is missing`), ...inside]
}
