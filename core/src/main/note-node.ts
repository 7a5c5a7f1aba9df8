import { StreambedError, type Logger, type Wal } from '@streambed/sdk'
import type { Metadata } from '../metadata/metadata.ts'
import type { Endpoint } from '../metadata/records.ts'
import type { StreamEngine } from '../storage/stream/stream-engine.ts'
import type { Registration } from './register-node.ts'

/** Tells the cluster that the node serves, and how far its WAL was found to reach. */
export async function noteOpened (metadata: Metadata, { nodeEpoch: epoch, nodeId }: Registration, { identity }: Wal, facts: { readonly endpoints: readonly Endpoint[], readonly rack: string | null }): Promise<void> {
  await metadata.propose(() => ({ records: [{ type: 'nodeOpened', nodeId, epoch, ...facts, walPosition: identity?.last ?? -1 }], result: undefined }))
}

/**
 * The last word of a clean end: the WAL says how far the metadata reached, the metadata how far the WAL does. A later start finds
 * an older copy of either by it. What fails here is as a crash would leave it. Never rejects.
 */
export async function noteStopped (metadata: Metadata, { nodeEpoch: epoch, nodeId }: Registration, engine: StreamEngine, logger: Logger): Promise<void> {
  try {
    const walPosition = await engine.mark()
    await metadata.propose(() => ({ records: [{ type: 'nodeStopped', nodeId, epoch, walPosition }], result: undefined }))
  } catch (error) {
    if (!StreambedError.is(error)) throw error
    logger.debug('the end of this broker could not be noted', { error: error.message })
  }
}
