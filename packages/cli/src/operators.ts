import { GridError } from '@stigmergy/grid'
import type { Command, ParsedArguments } from '@stigmergy/grid/cli'
import type { OperatorOptions } from '@stigmergy/telemetry/operators'
import { readdir } from 'node:fs/promises'
import { relative } from 'node:path'

const PROGRAM = 'stigmergy operators'

/** What Prometheus, Alertmanager, Grafana and Kubernetes import, into a folder. */
export const operators: Command = {
  spec: {
    name: 'operators',
    summary: [
      'Write what operators import: rules of Prometheus, routes of Alertmanager, dashboards of Grafana, scaling for Kubernetes.',
      'DIR is made if it is not there, and must be empty: files of another version beside these would still be read by somebody.',
      'With --force it need not be: files of the same names are replaced, each whole or not at all, and others stay.',
    ].join('\n'),
    positionals: ['DIR'],
    options: {
      namespace: { kind: 'text', placeholder: 'NAME', help: 'Kubernetes namespace of the agents', defaultText: 'default' },
      workload: { kind: 'text', placeholder: 'NAME', help: 'what runs the agents', defaultText: 'stigmergy-agents' },
      'workload-kind': { kind: 'text', placeholder: 'KIND', help: 'StatefulSet or Deployment', defaultText: 'StatefulSet' },
      'prometheus-url': { kind: 'text', placeholder: 'URL', help: 'where KEDA asks' },
      'map-age-seconds': { kind: 'number', placeholder: 'S', help: 'an older copy of a map is an alert', defaultText: '0.05' },
      'source-age-seconds': { kind: 'number', placeholder: 'S', help: 'a source silent for longer is an alert', defaultText: '5' },
      'decision-seconds': { kind: 'number', placeholder: 'S', help: 'slower decisions are an alert, at p99', defaultText: '0.2' },
      'mailbox-seconds': { kind: 'number', placeholder: 'S', help: 'longer waits ask for more processes, at p95', defaultText: '0.05' },
      'min-replicas': { kind: 'count', placeholder: 'N', help: 'fewest processes', defaultText: '2' },
      'max-replicas': { kind: 'count', placeholder: 'N', help: 'most processes', defaultText: '20' },
      force: { kind: 'flag', help: 'also into a folder that is not empty' },
      json: { kind: 'flag', help: 'one JSON object, for programs' },
    },
    examples: ['stigmergy operators deploy/operators', 'stigmergy operators /etc/cell-7 --namespace cell-7 --max-replicas 40 --json'],
  },
  async run(args, io) {
    const folder = folderOf(args)
    // Only here: the other commands need not wait for the makers of dashboards.
    const { writeOperatorFiles } = await import('@stigmergy/telemetry/operators')
    if (!args.flag('force')) await refuseFull(folder)
    io.signal.throwIfAborted()
    const paths = await writeOperatorFiles(folder, optionsOf(args)).catch((error: unknown) => {
      throw isSystemError(error) ? unwritable(folder, error) : error
    })
    const files = paths.map((path) => relative(folder, path))
    if (args.flag('json')) io.out(JSON.stringify({ folder, files }))
    else for (const file of files) io.out(`${folder}: ${file}`)
    return 0
  },
}

function folderOf(args: ParsedArguments): string {
  const folder = args.positional(0) ?? ''
  if (folder !== '') return folder
  // Most often a variable of a script that is not set: what it meant is not the folder it runs in.
  throw new GridError('BAD_OPTION', `${PROGRAM}: DIR is "": give a folder, . for this one`)
}

function optionsOf(args: ParsedArguments): OperatorOptions {
  const given = {
    namespace: args.text('namespace'),
    workload: args.text('workload'),
    workloadKind: args.text('workload-kind') as OperatorOptions['workloadKind'],
    prometheusUrl: args.text('prometheus-url'),
    mapAgeSeconds: args.number('map-age-seconds'),
    sourceAgeSeconds: args.number('source-age-seconds'),
    decisionSeconds: args.number('decision-seconds'),
    mailboxSeconds: args.number('mailbox-seconds'),
    minReplicas: args.number('min-replicas'),
    maxReplicas: args.number('max-replicas'),
  }
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
}

async function refuseFull(folder: string): Promise<void> {
  // An empty one is made by nobody, and would be the working directory.
  if (folder === '') return
  const there = await readdir(folder).catch((error: unknown) => {
    if (isSystemError(error) && error.code === 'ENOENT') return []
    throw isSystemError(error) ? unwritable(folder, error) : error
  })
  if (there.length === 0) return
  const more = `${there.length} ${there.length === 1 ? 'entry' : 'entries'}`
  throw new GridError(
    'BAD_OPTION',
    `${PROGRAM}: ${JSON.stringify(folder)} is not empty (${more}): give another folder, or --force to replace files of the same names`,
  )
}

function unwritable(folder: string, error: NodeJS.ErrnoException): GridError {
  const cannot = `${PROGRAM}: ${JSON.stringify(folder)} cannot be written: ${error.message}: give a folder that can`
  return new GridError('BAD_OPTION', cannot, { cause: error })
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error
}
