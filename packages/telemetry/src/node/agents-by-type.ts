import type { Registry } from '../metrics/registry.ts'

/** How many agents run of each type, as the metrics tell it. */
export function agentsByType(registry: Registry): Readonly<Record<string, number>> {
  const family = registry.collect().find(({ name }) => name === 'agents_running')
  const points = family?.kind === 'gauge' ? family.points : []
  const byType = new Map<string, number>()
  for (const { labels, value } of points) {
    // Of several systems, and beyond the bound of labels.
    const type = String(labels['agent_type'])
    byType.set(type, (byType.get(type) ?? 0) + value)
  }
  return Object.fromEntries(byType)
}
