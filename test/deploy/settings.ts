import { readFile } from 'node:fs/promises'
import { parse } from 'yaml'
import type { Shape } from './shape.ts'

export const COMPOSE = new URL('../../deploy/hazelcast/compose.yaml', import.meta.url)
export const WORKFLOW = new URL('../../deploy/github/hazelcast-tests.yml', import.meta.url)

/** Of one member, as the container gets it. */
export type Environment = Readonly<Record<string, string>>

export async function readYaml(file: URL): Promise<unknown> {
  return parse(await readFile(file, 'utf8'), { merge: true })
}

const TRUE = /^true$/
const ADDRESS = /^[\w.-]+:\d+$/
const ADDRESSES = /^[\w.-]+:\d+(,[\w.-]+:\d+)*$/
const PORT = /^\d{4,5}$/
const IMAGE = /^hazelcast\/hazelcast:5\.7\.0$/
const SECONDS = /^\d+s$/

/** What the image and Hazelcast know; strings all of them, since a container's environment is. */
const ENVIRONMENT: Shape = {
  HZ_CLUSTERNAME: /^\w+$/,
  HZ_NETWORK_PUBLICADDRESS: ADDRESS,
  HZ_NETWORK_PORT_AUTOINCREMENT: /^false$/,
  'HZ_NETWORK_PORT_PORT?': PORT,
  'HZ_NETWORK_JOIN_AUTO-DETECTION_ENABLED?': /^false$/,
  'HZ_NETWORK_JOIN_TCP-IP_ENABLED?': TRUE,
  'HZ_NETWORK_JOIN_TCP-IP_MEMBERS?': ADDRESSES,
  HZ_NETWORK_RESTAPI_ENABLED: TRUE,
  HZ_NETWORK_RESTAPI_ENDPOINTGROUPS_HEALTHCHECK_ENABLED: TRUE,
  JAVA_OPTS: /^(-Xmx\d+m|-Dhazelcast\.[\w.]+=\w+)( (-Xmx\d+m|-Dhazelcast\.[\w.]+=\w+))*$/,
}

/** The part of the Compose specification that the file may use. */
export const COMPOSE_SHAPE: Shape = {
  name: /^[a-z][a-z-]*$/,
  'x-settings': () => true,
  'x-health': () => true,
  'x-member': () => true,
  services: {
    '*': {
      image: IMAGE,
      network_mode: /^host$/,
      environment: ENVIRONMENT,
      healthcheck: { test: [/./], interval: SECONDS, timeout: SECONDS, retries: (value) => Number.isSafeInteger(value) },
    },
  },
}

/** The part of GitHub's workflow syntax that the file may use. */
export const WORKFLOW_SHAPE: Shape = {
  name: /./,
  on: [/^(push|pull_request)$/],
  jobs: {
    '*': {
      'runs-on': /^ubuntu-latest$/,
      'container?': /^node:20-bookworm$/,
      services: { '*': { image: IMAGE, 'ports?': [/^\d+:\d+$/], env: ENVIRONMENT } },
      steps: [
        {
          'uses?': /^actions\/(checkout|setup-node)@v4$/,
          'with?': { 'node-version': /^20$/ },
          'run?': /^npm (ci|test)$/,
          'env?': { HAZELCAST_ADDRESSES: ADDRESSES, HAZELCAST_CLUSTER_NAME: /^\w+$/ },
        },
      ],
    },
  },
}

interface Compose {
  readonly services: Readonly<
    Record<string, { readonly environment: Environment; readonly healthcheck: { readonly test: readonly string[] } }>
  >
}

interface Workflow {
  readonly jobs: Readonly<
    Record<
      string,
      {
        readonly services: Readonly<Record<string, { readonly ports?: readonly string[]; readonly env: Environment }>>
        readonly steps: readonly { readonly env?: Environment }[]
      }
    >
  >
}

/** Some members that are started together, and the addresses a client of theirs is given. */
export interface Deployment {
  readonly name: string
  readonly members: readonly Environment[]
  readonly addresses: readonly string[]
}

export async function deployments(): Promise<readonly Deployment[]> {
  const { services } = (await readYaml(COMPOSE)) as Compose
  const members = Object.values(services).map(({ environment }) => environment)
  const compose = { name: 'compose', members, addresses: members.map((member) => member['HZ_NETWORK_PUBLICADDRESS'] as string) }
  const { jobs } = (await readYaml(WORKFLOW)) as Workflow
  const workflow = Object.entries(jobs).map(([name, job]) => {
    const [given] = job.steps.flatMap(({ env }) => env?.['HAZELCAST_ADDRESSES'] ?? [])
    return { name, members: Object.values(job.services).map(({ env }) => env), addresses: given?.split(',') ?? [] }
  })
  return [compose, ...workflow]
}

/** The URL each health check of the compose file asks. */
export async function healthUrls(): Promise<readonly string[]> {
  const { services } = (await readYaml(COMPOSE)) as Compose
  return Object.values(services).map(({ healthcheck }) => healthcheck.test.at(-1) as string)
}
