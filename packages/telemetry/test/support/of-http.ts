import { HttpInstrumentation } from '@opentelemetry/instrumentation-http'

/**
 * One for all tests of a process, and whoever makes other instrumentations makes this one first: a module is patched for the
 * instrumentations that were there when the first of all of them saw it loaded.
 */
export const ofHttp = new HttpInstrumentation()
