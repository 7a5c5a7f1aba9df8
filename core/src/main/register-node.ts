import type { Environment } from '@streambed/sdk'
import type { Metadata } from '../metadata/metadata.ts'
import type { Endpoint, WalRegistration } from '../metadata/records.ts'
import type { BrokerConfig } from './config/broker-config.ts'

/** This process's place in the cluster. */
export interface Registration {
  readonly clusterId: string
  readonly nodeId: number
  /** Minted by the metadata log; every earlier process of this node is fenced by it. */
  readonly nodeEpoch: number
  /** The WAL that the node last used, which may hold records that no object has. */
  readonly lastWal: WalRegistration | null
}

/** Founds the cluster if the log is empty, and takes the node's next epoch. */
export async function registerNode (metadata: Metadata, { node }: BrokerConfig, endpoints: readonly Endpoint[], { random }: Environment): Promise<Registration> {
  const freshId = Buffer.from(random.bytes(16)).toString('base64url')
  const clusterId = await metadata.propose(image => image.clusterId === ''
    ? { records: [{ type: 'clusterFounded', clusterId: freshId }], result: freshId }
    : { records: [], result: image.clusterId })
  return await metadata.propose(image => {
    const before = image.node(node.id)
    const epoch = (before?.epoch ?? 0) + 1
    return {
      records: [{ type: 'nodeRegistered', nodeId: node.id, epoch, endpoints, rack: node.rack }],
      result: { clusterId, nodeId: node.id, nodeEpoch: epoch, lastWal: before?.wal ?? null }
    }
  })
}
