import { StreambedError, withDeadline, type Environment, type Finding, type ObjectStore } from '@streambed/sdk'
import { loadBackends, type LoadedBackends } from './backends.ts'
import type { BrokerConfig } from './config/broker-config.ts'
import { openMetadataLog } from './open-broker.ts'
import { storeNameFor } from './object-stores.ts'

const examinationMsMax = 25_000

/** What was found of one backend. */
export interface Examination {
  /** `object store 'default' (s3)`. */
  readonly subject: string
  readonly findings: readonly Finding[]
  /** What was not looked at, and why; absent when all was. */
  readonly notLookedAt?: string
}

/**
 * Looks at the services that `config` names, as a broker would use them: each object store by its preflight (a probe object is written, read,
 * listed and deleted), the metadata log by reading it. The WAL is not opened: that would fence the broker that is using it.
 * Each ends within 25 s. Rejects only when the configuration itself is wrong.
 */
export async function * examine (config: BrokerConfig, environment: Environment): AsyncGenerator<Examination> {
  const backends = await loadBackends(config)
  await using opened = new AsyncDisposableStack()
  const stores = new Map<string, ObjectStore>()
  for (const [name, { options, plugin }] of backends.stores) {
    const subject = `object store '${name}' (${plugin.name})`
    yield await examination(subject, environment, async signal => {
      const store = await plugin.open(options, environment)
      opened.defer(async () => { await store.close() })
      stores.set(name, store)
      return await store.preflight({ signal })
    })
  }
  yield await metadataExamination(config, backends, stores, environment)
  yield walExamination(config, backends)
}

async function metadataExamination (config: BrokerConfig, backends: LoadedBackends, stores: ReadonlyMap<string, ObjectStore>, environment: Environment): Promise<Examination> {
  const { plugin } = backends.metadata
  const subject = `metadata log (${plugin.name})`
  if (plugin.needsObjectStore && !stores.has(storeNameFor('metadata', config.storage.metadata, config))) return { subject, findings: [], notLookedAt: 'its object store did not open' }
  return await examination(subject, environment, async () => {
    await using log = await openMetadataLog(config, backends, stores, environment)
    const snapshot = await log.latestSnapshot()
    await log.read(snapshot?.at ?? 0)
    return []
  })
}

function walExamination (config: BrokerConfig, { wal: { plugin } }: LoadedBackends): Examination {
  const inStore = plugin.needsObjectStore ? `; its object store '${storeNameFor('wal', config.storage.wal, config)}' is looked at above` : ''
  return { subject: `write-ahead log (${plugin.name})`, findings: [], notLookedAt: `opening it would fence the broker that is using it${inStore}` }
}

async function examination (subject: string, { clock }: Environment, look: (signal: AbortSignal) => Promise<readonly Finding[]>): Promise<Examination> {
  const late = (): Error => new StreambedError('TIMEOUT', `no answer within ${examinationMsMax / 1000} s. Check that the endpoint is right and reachable`)
  try {
    return { subject, findings: await withDeadline({ clock, limitMs: examinationMsMax, late }, look) }
  } catch (error) {
    if (!StreambedError.is(error)) throw error
    if (error.code === 'LOCKED') return { subject, findings: [], notLookedAt: 'a broker is using it' }
    return { subject, findings: [{ severity: 'error', problem: `${error.code}: ${error.message}`, remedy: '' }] }
  }
}
