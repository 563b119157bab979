import { defaultResource, detectResources, envDetector, resourceFromAttributes, type Resource } from '@opentelemetry/resources'
import type { BaseLabels } from '../labels.ts'

/** Who we are: said once per export, not on each span. Code comes before OTEL_SERVICE_NAME, that before OTEL_RESOURCE_ATTRIBUTES. */
export function createResource(service: string | undefined, { region, policyVersion }: BaseLabels): Resource {
  return defaultResource()
    .merge(resourceFromAttributes({ 'service.name': 'stigmergy' }))
    .merge(detectResources({ detectors: [envDetector] }))
    .merge(
      resourceFromAttributes({
        ...(service === undefined ? {} : { 'service.name': service }),
        ...(region === undefined ? {} : { 'agent.region': region }),
        ...(policyVersion === undefined ? {} : { 'agent.policy': policyVersion }),
      }),
    )
}
