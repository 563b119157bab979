import { clusterLacks, startCluster } from '@stigmergy/grid/testing'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { freePort } from '../components/process.ts'
import { needs } from '../runner/needs.ts'
import { startDeployment } from './members.ts'
import { COMPOSE, COMPOSE_SHAPE, deployments, healthUrls, readYaml, WORKFLOW, WORKFLOW_SHAPE, type Environment } from './settings.ts'
import { differences } from './shape.ts'

const test = suite('deployments of Hazelcast')
const lacking = await clusterLacks({ env: { ...process.env, HAZELCAST_ADDRESSES: undefined } })
const onCluster = needs(test, `a Hazelcast member (${lacking})`, lacking === undefined)

test('every field of the compose file and of the workflow is known', async () => {
  assert.equal(differences(await readYaml(COMPOSE), COMPOSE_SHAPE), [])
  assert.equal(differences(await readYaml(WORKFLOW), WORKFLOW_SHAPE), [])
})

test('an unknown field, a wrong one and a missing one are told', () => {
  const shape = { a: /^x$/, 'b?': [/^y$/], c: { '*': (value: unknown) => value === 1 } } as const
  assert.equal(differences({ a: 'x', c: { any: 1 } }, shape), [])
  assert.equal(differences({ a: 1, b: [], d: 1 }, shape), ['.c: is missing', '.a: 1', '.b: []', '.d: is not known'])
  assert.equal(differences({ a: 'x', b: ['y', 'z'], c: { n: 2 } }, shape), ['.b[1]: "z"', '.c.n: 2'])
  assert.equal(differences([], shape), [': []'])
})

test('clients are given the address of each member, and each member knows all', async () => {
  for (const { name, members, addresses } of await deployments()) {
    const own = members.map((member) => member['HZ_NETWORK_PUBLICADDRESS'])
    assert.equal(addresses, own, name)
    if (members.length === 1) continue
    for (const member of members) assert.is(member['HZ_NETWORK_JOIN_TCP-IP_MEMBERS'], own.join(','), name)
  }
  const [compose] = await deployments()
  assert.equal(
    await healthUrls(),
    compose?.addresses.map((address) => `http://${address}/hazelcast/health/ready`),
  )
})

test('the workflow sets nothing that the compose file does not, so members of the latter show that all of it is known', async () => {
  const [compose, ...workflow] = await deployments()
  const known = new Set(compose?.members.flatMap(settingsOf))
  for (const { members } of workflow)
    assert.equal(
      members.flatMap(settingsOf).filter((setting) => !known.has(setting)),
      [],
    )
})

onCluster('members with exactly these settings find each other, are healthy and know every setting', async () => {
  const [compose] = await deployments()
  assert.ok(compose)
  await using running = await startDeployment(compose, freePort)
  // The helper takes them as it would in the workflow.
  const cluster = await startCluster({ env: { HAZELCAST_ADDRESSES: running.addresses.join(','), HAZELCAST_CLUSTER_NAME: 'dev' } })
  assert.equal([cluster.clusterName, cluster.addresses], ['dev', running.addresses])
  for (const log of await running.logs()) {
    assert.match(log, 'Detected external configuration entries in environment variables')
    assert.not.match(log, /Unrecognized environment variables|InvalidConfiguration/)
    assert.match(log, 'Members {size:3, ')
  }
})

/** Names of what the environment sets, Java's own options one by one. */
function settingsOf(environment: Environment): readonly string[] {
  const java = environment['JAVA_OPTS']?.split(' ').map((option) => option.split('=')[0] as string) ?? []
  return [...Object.keys(environment), ...java]
}

test.run()
