/** Gauges of what only others know: see `observe`. */
export type ObservedName = 'agent_mailbox_depth' | 'agent_breaker_state' | 'journal_lag_records'

/** Counters of what only others know: see `count`. */
export type CountedName = 'policy_inference_errors_total'
