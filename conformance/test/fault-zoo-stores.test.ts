import { FaultProxy, objectStoreFaultConformance, type Runner } from '@streambed/conformance'
import { StreambedError, type Environment, type ObjectStore, type ObjectStoreCapabilities } from '@streambed/sdk'
import { nodeEnvironment } from '@streambed/sdk/node'
import { RemoteObjectStore, type ObjectService, type ServiceFailure } from '@streambed/sdk/remote'
import { SeededRandom } from '@streambed/sdk/testing'
import assert from 'node:assert/strict'
import dns from 'node:dns'
import { promisify } from 'node:util'
import { optionsSchema } from '../../plugins/object-store-s3/src/options.ts'
import { S3Service } from '../../plugins/object-store-s3/src/s3-service.ts'
import { openSmallS3, type Defect } from './fixtures/small-s3.ts'
import { failuresOf, overriding, pause } from './mutating.ts'

const capabilities: ObjectStoreCapabilities = {
  conditionalCreate: 'atomic', multipart: { partBytesMin: 5 * 2 ** 20, partsMax: 10_000, conditionalComplete: true }, objectBytesMax: 2 ** 40, scope: 'region', latencyClass: 'C'
}

/** Each defect, of the driver, of what lies over it or of the service, and the check that must name it. */
interface Mutant {
  readonly defect: string
  readonly caughtBy: string
  readonly service?: (service: S3Service) => Partial<ObjectService>
  readonly store?: (store: ObjectStore) => Partial<ObjectStore>
  readonly server?: Defect
  readonly options?: Readonly<Record<string, unknown>>
  readonly resolvesOnce?: boolean
  readonly environment?: (environment: Environment) => Partial<Environment>
}

const told = (service: S3Service, change: (failure: ServiceFailure) => Partial<ServiceFailure>): Partial<ObjectService> =>
  ({ failureOf: error => { const failure = service.failureOf(error); return { ...failure, ...change(failure) } } })

const mutants: readonly Mutant[] = [
  { defect: 'calls every refusal an error of its own', caughtBy: 'OS-C11', service: s => told(s, () => ({ code: 'INTERNAL' })) },
  { defect: 'stores what has come of a request that broke off', caughtBy: 'OS-K07', server: 'keepsBroken' },
  { defect: 'cannot tell who wrote an object', caughtBy: 'OS-X04', service: s => ({ head: async (name, signal) => ({ ...await s.head(name, signal), owner: undefined }) }) },
  { defect: 'takes a race for a loss', caughtBy: 'OS-X05', service: s => told(s, ({ code }) => code === 'CONFLICT' ? { code: 'ALREADY_EXISTS' } : {}) },
  { defect: 'takes a lost answer to a completion for a refusal', caughtBy: 'OS-M05', service: s => ({ multipart: overriding(s.multipart, { complete: async (...given) => { try { return await s.multipart.complete(...given) } catch { throw Object.assign(new Error('no'), { name: 'AccessDenied' }) } } }) }) },
  { defect: 'stores bytes unchecked', caughtBy: 'OS-D02', server: 'checksNothing' },
  { defect: 'reads bytes unchecked', caughtBy: 'OS-D03', service: s => ({ get: async (name, range, signal) => ({ bytes: (await s.get(name, range, signal)).bytes }) }) },
  { defect: 'returns what has come of an answer that broke off', caughtBy: 'OS-D04', service: s => ({ get: async (name, range, signal) => { try { return await s.get(name, range, signal) } catch (error) { if (/broke off|aborted/.test(String(error))) return { bytes: new Uint8Array(7) }; throw error } } }) },
  { defect: 'sends every read twice', caughtBy: 'OS-F01', service: s => ({ get: async (name, range, signal) => (await Promise.all([s.get(name, range, signal), s.get(name, range, signal)]))[0] }) },
  { defect: 'comes again at once when told to wait', caughtBy: 'OS-F02', service: s => ({ get: async (name, range, signal) => { try { return await s.get(name, range, signal) } catch { return await s.get(name, range, signal) } } }) },
  { defect: 'says of a lost answer that nothing happened', caughtBy: 'OS-F03', service: s => told(s, ({ code }) => code === 'NO_VERDICT' ? { code: 'UNAVAILABLE' } : {}) },
  { defect: 'reads nothing from a connection that broke', caughtBy: 'OS-F04', service: s => ({ get: async (name, range, signal) => { try { return await s.get(name, range, signal) } catch (error) { if (s.failureOf(error).code === 'NO_VERDICT') return { bytes: new Uint8Array(0) }; throw error } } }) },
  { defect: 'gives slow calls up for good', caughtBy: 'OS-F05', service: s => ({ get: async (name, range, signal) => { const { clock } = nodeEnvironment(); const startMs = clock.monotonicMs(); const got = await s.get(name, range, signal); if (clock.monotonicMs() - startMs > 90) throw Object.assign(new Error('slow'), { name: 'AccessDenied' }); return got } }) },
  { defect: 'waits on although its caller has gone', caughtBy: 'OS-F06', store: s => ({ get: (key, options) => s.get(key, options?.range === undefined ? {} : { range: options.range }) }), options: { requestTimeout: '60s' } },
  { defect: 'waits for a trickle without end', caughtBy: 'OS-F07', options: { requestTimeout: '60s' } },
  { defect: 'looks a name up once', caughtBy: 'OS-F08', resolvesOnce: true },
  { defect: 'takes an expired credential for a wrong one', caughtBy: 'OS-F09', service: s => told(s, ({ detail }) => detail.includes('ExpiredToken') ? { code: 'PERMISSION_DENIED' } : {}) },
  { defect: 'does not say that the clock is off', caughtBy: 'OS-F10', service: s => told(s, ({ detail }) => detail.includes('Skewed') ? { code: 'PERMISSION_DENIED', detail: 'status=403', remedy: undefined } : {}) },
  { defect: 'answers refusals with three more requests', caughtBy: 'OS-F11', service: s => ({ get: async (name, range, signal) => { for (let tries = 1; ; tries++) { try { return await s.get(name, range, signal) } catch (error) { if (tries === 4) throw error } } } }), options: { requestTimeout: '30s' } },
  { defect: 'takes a throttled listing for a broken one', caughtBy: 'OS-F12', store: s => ({ list: async (prefix, options) => { try { return await s.list(prefix, options) } catch (error) { if (StreambedError.is(error, 'THROTTLED')) throw new StreambedError('CORRUPT', 'no listing', { cause: error }); throw error } } }) },
  { defect: 'tells of every key that it is deleted', caughtBy: 'OS-F13', service: s => ({ delete: async (names, signal) => { await s.delete(names, signal); return names.map(() => ({ kind: 'deleted' as const })) } }) },
  { defect: 'ignores the condition of a put', caughtBy: 'OS-F14', server: 'ignoresConditions' },
  { defect: 'does not count what it reads', caughtBy: 'OS-O01', environment: ({ metrics }) => ({ metrics: { ...metrics, count: (name, by) => { if (!name.includes('get')) metrics.count(name, by) } } }) }
]

describe('the fault suite for object stores', function () {
  this.timeout(180_000)
  const failures = async (only: string | undefined, mutant: Partial<Mutant>): Promise<string[]> => {
    const small = await openSmallS3(mutant.server)
    const counts: Record<string, number> = {}
    const base = nodeEnvironment({ metrics: { count: (name, by = 1) => { counts[name] = (counts[name] ?? 0) + by }, gauge: () => undefined, observe: () => undefined } })
    const environment: Environment = { ...base, random: new SeededRandom('zoo'), ...mutant.environment?.(base) }
    try {
      return await failuresOf(only, runner => { register(runner, mutant, environment, small.url, counts) })
    } finally {
      await small.close()
    }
  }

  it('passes a sound driver on a sound service', async () => { assert.deepEqual(await failures(undefined, {}), []) })

  for (const mutant of mutants) {
    it(`catches one that ${mutant.defect}, by ${mutant.caughtBy}`, async () => {
      assert.deepEqual(await failures(mutant.caughtBy, mutant), [mutant.caughtBy])
    })
  }

  it('has a mutant for each of its checks', () => {
    const ids = new Set<string>()
    register({ describe: (_, body) => { body() }, it: name => { ids.add(name.split(' ')[0]!) } }, {}, nodeEnvironment(), 'http://127.0.0.1:1', {})
    assert.deepEqual([...ids].sort(), mutants.map(({ caughtBy }) => caughtBy).sort())
  })
})

let places = 0

function register (runner: Runner, { options = {}, resolvesOnce = false, service: serviceDefects = () => ({}), store: storeDefects = () => ({}) }: Partial<Mutant>, environment: Environment, url: string, counts: Record<string, number>): void {
  objectStoreFaultConformance(runner, {
    name: 'mutant',
    capabilities,
    planeKind: 'endpoint',
    pace: { spellMs: 100, callMsMax: 2_500 },
    clock: environment.clock,
    random: environment.random,
    counters: () => counts,
    prepare: async () => {
      const place = `${++places}/`
      const proxies: FaultProxy[] = []
      return {
        open: async ({ endpointName, rules = [] }) => {
          const plane = await FaultProxy.open(new URL(url), environment)
          proxies.push(plane)
          plane.set(...rules)
          const address = endpointName !== undefined && resolvesOnce ? await promisify(dns.lookup)(endpointName, { all: true }) : undefined
          const endpoint = endpointName === undefined ? plane.url : plane.urlBy(address?.[0]?.address ?? endpointName)
          const parsed = optionsSchema.parse({ bucket: 'zoo', endpoint, pathStyle: true, accessKeyId: 'a', secretAccessKey: 'b', requestTimeout: '2s', throughputMin: '16MiB', prefix: place, ...options })
          const service = new S3Service(parsed, environment)
          const store = new RemoteObjectStore(overriding<ObjectService>(service, serviceDefects(service)), capabilities, { prefix: place, requestTimeoutMs: parsed.requestTimeout, bytesPerSecondMin: parsed.throughputMin }, environment)
          return { plane, subject: overriding<ObjectStore>(store, storeDefects(store)) }
        },
        cleanUp: async () => {
          for (const proxy of proxies) await proxy.close()
          await pause()
        }
      }
    }
  })
}
