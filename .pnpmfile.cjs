'use strict'

// pnpm prints `> stigmergy@0.1.0 swarm …` on standard output before a script and a note after one that failed.
// These scripts own their output: `swarm … --json` must be one JSON object, `test` must end with its own last line.
// Only pnpm's own words around them are silenced. Installing runs as a child of pnpm that still reports, on standard error.
const OWN_OUTPUT = new Set(['bench', 'demo', 'stigmergy', 'swarm', 'test'])

const updateConfig = (config) => {
  const [first, second] = process.argv.slice(2)
  if (OWN_OUTPUT.has(first === 'run' ? second : first)) config.reporter = 'silent'
  return config
}

module.exports = { hooks: { updateConfig } }
