import { StreambedError, type Environment } from '@streambed/sdk'
import type { Metadata } from '../metadata/metadata.ts'
import type { ClusterImage, NodeFacts } from '../metadata/image.ts'
import { LostEndError } from '../storage/catalog/lost-end.ts'

/** One process, as the metadata log tells it from others that have the same node id. */
export class Incarnation {
  readonly id: string
  /** The newest epoch that it took; undefined before the first. */
  epoch: number | undefined

  constructor ({ random }: Pick<Environment, 'random'>) { this.id = Buffer.from(random.bytes(16)).toString('base64url') }
}

/** This process's place in the cluster. */
export interface Registration {
  readonly clusterId: string
  readonly nodeId: number
  /** Minted by the metadata log; every earlier process of this node is fenced by it. */
  readonly nodeEpoch: number
  /** What the log says of the node: the WAL that it last used, which may hold records that no object has. */
  readonly node: NodeFacts
}

/** The cluster's id; founds the cluster if the log is empty, under `knownId` if that is given. */
export async function foundCluster (metadata: Metadata, { random }: Environment, knownId?: string): Promise<string> {
  const freshId = knownId ?? Buffer.from(random.bytes(16)).toString('base64url')
  return await metadata.propose(image => image.clusterId === ''
    ? { records: [{ type: 'clusterFounded', clusterId: freshId }], result: freshId }
    : { records: [], result: image.clusterId })
}

/**
 * Takes the node's next epoch. Others see nothing of it before the node has opened. Rejects with FENCED once another process has
 * taken one after ours: two of one id must not throw each other out for ever. With CORRUPT where it is known that this log lost its end.
 */
export async function takeEpoch (metadata: Metadata, nodeId: number, incarnation: Incarnation): Promise<Registration> {
  const { clusterId } = metadata.image
  const nodeEpoch = await metadata.propose((image, position) => {
    const current = image.node(nodeId)
    if (isSuperseded(current, incarnation)) throw superseded(nodeId, current)
    if (current?.hasLostEnd === true) throw new LostEndError('catalog', 'an earlier start of this node has proven it')
    return { records: [{ type: 'nodeEpochTaken', nodeId, incarnation: incarnation.id }], result: position }
  })
  incarnation.epoch = nodeEpoch
  return { clusterId, nodeId, nodeEpoch, node: metadata.image.node(nodeId)! }
}

/** Whether another process has taken an epoch of the node after this one, or the node was removed. */
export function isSuperseded (node: NodeFacts | undefined, { epoch, id }: Incarnation): boolean {
  return epoch !== undefined && (node === undefined || (node.epoch > epoch && node.incarnation !== id))
}

/** What ends a process. */
export function superseded (nodeId: number, node: NodeFacts | undefined): StreambedError {
  return new StreambedError('FENCED', node === undefined
    ? `node ${nodeId} was removed from the cluster while this process ran, which therefore ends`
    : `another process has started as node ${nodeId} after this one, which therefore ends. Give each broker a node.id of its own, if both were meant to run. nodeId=${nodeId} epoch=${node.epoch}`)
}

/** Throws FENCED once the node has a later epoch than this process's, or none. */
export function checkCurrent (image: ClusterImage, { nodeEpoch, nodeId }: Pick<Registration, 'nodeEpoch' | 'nodeId'>): void {
  const current = image.node(nodeId)?.epoch
  if (current !== nodeEpoch) throw new StreambedError('FENCED', `another process took over this node. nodeId=${nodeId} epoch=${nodeEpoch} current=${current ?? 'none'}`)
}

/** Resolves with FENCED once the metadata log shows a later epoch of the node than this process's, or none. */
export function overtaken (metadata: Metadata, { nodeEpoch, nodeId }: Pick<Registration, 'nodeEpoch' | 'nodeId'>): { readonly failed: Promise<StreambedError>, readonly stop: () => void } {
  const { promise: failed, resolve } = Promise.withResolvers<StreambedError>()
  const look = (): void => {
    const node = metadata.image.node(nodeId)
    if (node?.epoch !== nodeEpoch) resolve(new StreambedError('FENCED', `a later epoch of this node was taken. nodeId=${nodeId} epoch=${nodeEpoch} current=${node?.epoch ?? 'none'}`))
  }
  const stop = metadata.onChange(look)
  look()
  return { failed, stop }
}

/**
 * Takes note where `error` has proven that this log lost its end, so that no later start goes as far as this one did: each
 * would leave an epoch in the WAL, and the right copy, once it is back, would find later ones there than its own.
 */
export async function noteLostEnd (metadata: Metadata, { nodeEpoch: epoch, nodeId }: Pick<Registration, 'nodeEpoch' | 'nodeId'>, error: unknown): Promise<void> {
  if (!(error instanceof LostEndError) || !error.isShownOnce) return
  await metadata.propose(() => ({ records: [{ type: 'nodeEndLost', nodeId, epoch }], result: undefined })).catch(() => { /* It is proven again. */ })
}
