// Loaded before a program: makes the package lmdb missing for it.
import { register } from 'node:module'

const hooks = `export async function resolve(name, context, next) {
  if (name === 'lmdb') throw Object.assign(new Error("Cannot find package 'lmdb'"), { code: 'ERR_MODULE_NOT_FOUND' })
  return next(name, context)
}`
register(`data:text/javascript,${encodeURIComponent(hooks)}`)
