import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { stringify } from 'yaml'
import { adapterConfig, horizontalPodAutoscaler, scaledObject } from './autoscaling.ts'
import { decisionsDashboard, fleetDashboard } from './dashboards.ts'
import type { Document } from './document.ts'
import { resolveOperatorOptions, type OperatorOptions } from './options.ts'
import { TelemetryError } from '../errors.ts'
import { quote } from '../options.ts'
import { alertmanagerConfig } from './routes.ts'
import { ruleFile } from './rules.ts'
import { scrapeConfig } from './scrape.ts'

/** A file for operators: where it belongs below a folder, and what is in it. */
export interface OperatorFile {
  readonly path: string
  readonly text: string
}

/** Everything that operators import. The same for the same options. Throws `TelemetryError` BAD_OPTION. */
export function operatorFiles(options?: OperatorOptions): readonly OperatorFile[] {
  const resolved = resolveOperatorOptions(options)
  return [
    yaml('prometheus/stigmergy.rules.yml', 'Rules of Prometheus.', ruleFile(resolved)),
    yaml(
      'prometheus/scrape.example.yml',
      'An example of how Prometheus finds the agents. They must listen on an address it reaches: OTEL_EXPORTER_PROMETHEUS_HOST=0.0.0.0.',
      scrapeConfig(resolved),
    ),
    yaml('alertmanager/routes.example.yml', 'An example of routes: put in your own receivers.', alertmanagerConfig()),
    json('grafana/decisions.json', decisionsDashboard(resolved)),
    json('grafana/fleet.json', fleetDashboard(resolved)),
    yaml('kubernetes/hpa.yml', 'Needs prometheus-adapter with the rules of adapter.yml.', horizontalPodAutoscaler(resolved)),
    yaml('kubernetes/adapter.yml', 'Rules of prometheus-adapter.', adapterConfig()),
    yaml('kubernetes/keda.yml', 'Instead of hpa.yml, where KEDA runs.', scaledObject(resolved)),
  ]
}

/**
 * Writes them below `folder`, each whole or not at all. Gives their paths. Throws `TelemetryError` BAD_OPTION, and what the file system
 * throws.
 */
export async function writeOperatorFiles(folder: string, options?: OperatorOptions): Promise<readonly string[]> {
  const written: string[] = []
  // An empty one would be the working directory: most likely a variable of a script that is not set.
  if (typeof folder !== 'string' || folder === '') {
    throw new TelemetryError('BAD_OPTION', `folder is ${quote(folder)}: give the path of a folder, "." for this one`)
  }
  for (const { path, text } of operatorFiles(options)) {
    const target = join(folder, path)
    await mkdir(dirname(target), { recursive: true })
    const partial = `${target}.${process.pid}.part`
    try {
      await writeFile(partial, text)
      await rename(partial, target)
    } catch (error) {
      await rm(partial, { force: true }).catch(() => {})
      throw error
    }
    written.push(target)
  }
  return written
}

function yaml(path: string, title: string, document: Document | object): OperatorFile {
  return { path, text: `# ${title}\n${stringify(document, { lineWidth: 140 })}` }
}

function json(path: string, document: Document): OperatorFile {
  return { path, text: `${JSON.stringify(document, null, 2)}\n` }
}
