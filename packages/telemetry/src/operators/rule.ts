/** An alert. https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/ */
export interface AlertRule {
  readonly alert: string
  readonly expr: string
  readonly for?: string
  readonly labels: { readonly severity: 'page' | 'ticket'; readonly team: string }
  readonly annotations: { readonly summary: string; readonly description: string }
}

/** A series that is made of others. */
export interface RecordingRule {
  readonly record: string
  readonly expr: string
}

/** Somebody is woken. `wait`: for so long it must hold. */
export function page(alert: string, expr: string, wait: string | undefined, annotations: AlertRule['annotations']): AlertRule {
  return rule('page', alert, expr, wait, annotations)
}

/** Somebody looks at it by day. */
export function ticket(alert: string, expr: string, wait: string | undefined, annotations: AlertRule['annotations']): AlertRule {
  return rule('ticket', alert, expr, wait, annotations)
}

function rule(
  severity: 'page' | 'ticket',
  alert: string,
  expr: string,
  wait: string | undefined,
  annotations: AlertRule['annotations'],
): AlertRule {
  return { alert, expr, ...(wait === undefined ? {} : { for: wait }), labels: { severity, team: 'agents' }, annotations }
}
