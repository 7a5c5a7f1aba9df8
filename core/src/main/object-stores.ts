import { StreambedError, withRetry, type Environment, type ObjectStore } from '@streambed/sdk'
import type { Metadata } from '../metadata/metadata.ts'
import { RetryingObjectStore } from '../storage/object-store/retrying-object-store.ts'
import type { LoadedBackends } from './backends.ts'
import type { BackendConfig, BrokerConfig } from './config/broker-config.ts'
import { firstStoreName } from './config/stores.ts'

/** Every configured object store, open, by name. */
export type ObjectStores = ReadonlyMap<string, ObjectStore>

/** `giveUp`: aborted, no call on them is waited for any more. */
export async function openStores ({ stores }: LoadedBackends, environment: Environment, opened: AsyncDisposableStack, giveUp?: AbortSignal): Promise<ObjectStores> {
  const open = new Map<string, ObjectStore>()
  for (const [name, { options, plugin }] of stores) open.set(name, opened.use(new RetryingObjectStore(await plugin.open(options, environment), environment, { name, giveUp })))
  return open
}

/**
 * The name of the store that a WAL or metadata log over an object store lives in: the one it names, or the default.
 * A metadata log must name its store once there are several: it may not wander when the default changes.
 */
export function storeNameFor (role: 'wal' | 'metadata', backend: BackendConfig, { origin, storage }: BrokerConfig): string {
  const { stores, engine } = storage
  const known = Object.keys(stores)
  const at = `storage.${role}.store`
  if (backend.store === undefined) {
    if (role === 'wal' || known.length === 1) return engine.store
    throw new StreambedError('MISCONFIGURED', `${origin.of(['storage', role])}: ${at} must name the store that holds the metadata, one of ${known.join(', ')}: with several stores it may not follow the default`)
  }
  if (backend.store in stores) return backend.store
  throw new StreambedError('MISCONFIGURED', `${origin.of(['storage', role, 'store'])}: ${at}: expected one of ${known.join(', ')}, got '${backend.store}'`)
}

/** The mark that each store carries: whose it is, and under which name. */
export const identityKey = 'streambed-store.json'
const identityRetry = { delayMsMin: 20, delayMsMax: 1_000, deadlineMs: 30_000 }
const encoder = new TextEncoder()

/**
 * Refuses to go on when a store that holds objects is not configured, or when a configured name leads to a store of another
 * cluster, to another store of this one, or to an empty place where objects should be. Marks a store that is new.
 */
export async function checkStores (stores: ObjectStores, metadata: Metadata, clusterId: string, config: BrokerConfig, environment: Environment): Promise<void> {
  const inUse = new Set<string>()
  for (const { store } of metadata.image.tables.objects.values()) inUse.add(store)
  const missing = [...inUse].filter(name => !stores.has(name))
  if (missing.length > 0) {
    throw new StreambedError('MISCONFIGURED', `${config.origin.of(['storage'])}: object stores that hold records are not configured: ${missing.join(', ')}. Add them under storage.stores (storage.objects is '${firstStoreName}'), with their old settings`)
  }
  await Promise.all([...stores].map(([name, store]) => withRetry(() => checkIdentity(store, { clusterId, name }, inUse.has(name), config), environment, identityRetry)))
}

/**
 * Refuses to found a cluster over stores that belong to one: an empty metadata log may be one that lost everything, or is not mounted,
 * and whatever is recorded there would be in the way of the right one. Changes nothing.
 */
export async function checkFounding (stores: ObjectStores, metadata: Metadata, { origin }: BrokerConfig, environment: Environment): Promise<void> {
  if (metadata.image.clusterId !== '') return
  const owner = await ownerOf(stores, environment)
  if (owner === undefined) return
  // Another broker may found the cluster just now.
  await metadata.refresh()
  if (metadata.image.clusterId !== '') return
  throw new StreambedError('MISCONFIGURED', `${origin.of(['storage', 'metadata'])}: the metadata log is empty, and the object store '${owner.name}' belongs to another cluster, or to this one, whose metadata is lost or not mounted. cluster=${owner.clusterId}. Put the metadata back, or give a new cluster a bucket or prefix of its own, or give up what is lost with \`streambed recover\``)
}

/** Whose the stores are, by the first that says so and can be read. */
export async function ownerOf (stores: ObjectStores, environment: Environment): Promise<{ readonly clusterId: string, readonly name: string } | undefined> {
  for (const [name, store] of stores) {
    const found = await withRetry(() => readIdentity(store), environment, identityRetry).catch((error: unknown) => {
      if (!StreambedError.is(error, 'CORRUPT')) throw error
      return undefined
    })
    if (found !== undefined) return { clusterId: found.clusterId, name }
  }
  return undefined
}

/** The stores whose mark is not there, or cannot be read; those of others have one. */
export async function unmarkedStores (stores: ObjectStores): Promise<string[]> {
  const unmarked: string[] = []
  for (const [name, store] of stores) {
    const found = await readIdentity(store).catch((error: unknown) => {
      if (!StreambedError.is(error, 'CORRUPT')) throw error
      return undefined
    })
    if (found === undefined) unmarked.push(name)
  }
  return unmarked
}

/** Marks a store that lost its mark as what it is configured to be. */
export async function markStore (stores: ObjectStores, name: string, clusterId: string): Promise<void> {
  const store = stores.get(name)!
  const [outcome] = await store.delete([identityKey])
  if (outcome?.kind === 'failed') throw outcome.error
  await store.put(identityKey, encodeIdentity({ clusterId, name }), { ifAbsent: true })
}

interface Identity { readonly clusterId: string, readonly name: string }

async function checkIdentity (store: ObjectStore, expected: Identity, isInUse: boolean, { origin }: BrokerConfig): Promise<void> {
  const found = await readIdentity(store)
  const blame = (problem: string): StreambedError => new StreambedError('MISCONFIGURED',
    `${origin.of(['storage', 'stores', expected.name])}: the object store '${expected.name}' ${problem}. Correct its settings, or give it a bucket or prefix of its own`)
  if (found === undefined) {
    if (isInUse) throw blame('holds nothing of this cluster, though records were stored under that name')
    try {
      await store.put(identityKey, encodeIdentity(expected), { ifAbsent: true })
    } catch (cause) {
      if (!StreambedError.is(cause, 'ALREADY_EXISTS', 'OUTCOME_UNKNOWN')) throw cause
      throw new StreambedError('UNAVAILABLE', `the mark of the object store '${expected.name}' was written at the same time by another`, { cause })
    }
    return
  }
  if (found.clusterId !== expected.clusterId) throw blame(`belongs to another cluster. cluster=${found.clusterId}`)
  if (found.name !== expected.name) throw blame(`is the one that this cluster knows as '${found.name}'`)
}

function encodeIdentity (identity: Identity): Uint8Array { return encoder.encode(`${JSON.stringify({ version: 1, ...identity })}\n`) }

async function readIdentity (store: ObjectStore): Promise<Identity | undefined> {
  let bytes
  try {
    bytes = await store.get(identityKey)
  } catch (error) {
    if (StreambedError.is(error, 'NOT_FOUND')) return undefined
    throw error
  }
  try {
    return JSON.parse(Buffer.from(bytes).toString()) as Identity
  } catch (cause) {
    throw new StreambedError('CORRUPT', `the mark of an object store cannot be read. key=${identityKey}`, { cause })
  }
}
