import { StreambedError, type Environment } from '@streambed/sdk'
import { Metadata } from '../metadata/metadata.ts'
import type { NodeFacts } from '../metadata/image.ts'
import { loadBackends } from './backends.ts'
import type { BrokerConfig } from './config/broker-config.ts'
import { openStores } from './object-stores.ts'
import { openMetadataLog } from './open-broker.ts'

/** A node as the metadata log knows it. `partitionCount`: of those that it owns. */
export interface ListedNode extends NodeFacts { readonly partitionCount: number }

/** Every node that the metadata log knows, by id; those, too, that never came to serve. Rejects with LOCKED while a broker holds the log alone. */
export async function listNodes (config: BrokerConfig, environment: Environment): Promise<readonly ListedNode[]> {
  return await withMetadata(config, environment, async ({ image }) => {
    const owned = new Map<number, number>()
    for (const { partitions } of image.topics()) {
      for (const { dataStreamId } of partitions) {
        const owner = image.stream(dataStreamId)!.ownerNodeId
        owned.set(owner, (owned.get(owner) ?? 0) + 1)
      }
    }
    return [...image.nodes()].map(node => ({ ...node, partitionCount: owned.get(node.nodeId) ?? 0 })).sort((left, right) => left.nodeId - right.nodeId)
  })
}

/**
 * Removes a node that owns nothing, so that clients are not told of it any more. Its process, should it live, is fenced. The same id may
 * come back, in a later epoch. Rejects with NOT_FOUND, or with CONFLICT while the node owns partitions.
 */
export async function removeNode (config: BrokerConfig, environment: Environment, nodeId: number): Promise<void> {
  await withMetadata(config, environment, async metadata => {
    await metadata.propose(image => {
      const node = image.node(nodeId)
      if (node === undefined) throw new StreambedError('NOT_FOUND', `there is no node ${nodeId}; known are ${[...image.nodes()].map(known => known.nodeId).join(', ') || 'none'}`)
      return { records: [{ type: 'nodeRemoved', nodeId }], result: undefined }
    }).catch((error: unknown) => {
      if (!StreambedError.is(error, 'CONFLICT')) throw error
      throw new StreambedError('CONFLICT', `node ${nodeId} owns partitions, whose records only its WAL may hold: start it, or delete its topics first. ${error.message}`, { cause: error })
    })
  })
}

async function withMetadata<T> (config: BrokerConfig, environment: Environment, use: (metadata: Metadata) => Promise<T>): Promise<T> {
  await using opened = new AsyncDisposableStack()
  const backends = await loadBackends(config)
  const stores = await openStores(backends, environment, opened)
  const log = opened.use(await openMetadataLog(config, backends, stores, environment))
  return await use(opened.use(await Metadata.open({ log, environment, snapshotEveryEntries: Infinity })))
}
