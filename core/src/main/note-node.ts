import { StreambedError, type Logger, type Wal } from '@streambed/sdk'
import type { Metadata } from '../metadata/metadata.ts'
import type { Endpoint } from '../metadata/records.ts'
import type { StreamEngine } from '../storage/stream/stream-engine.ts'
import type { Registration } from './register-node.ts'

/**
 * Tells the cluster that the node serves, and how far its WAL reaches: to a mark that is written first, which every older copy lacks, so
 * that such a one is recognised though nothing else was written since. A WAL without room for it serves too: what it holds can
 * be read, and uploads make room.
 */
export async function noteOpened (metadata: Metadata, { nodeEpoch: epoch, nodeId }: Registration, { identity }: Wal, engine: StreamEngine, facts: { readonly endpoints: readonly Endpoint[], readonly rack: string | null }): Promise<void> {
  const marked = await engine.mark().catch((error: unknown) => {
    if (!StreambedError.is(error, 'OUT_OF_SPACE', 'OVER_CAPACITY')) throw error
    return undefined
  })
  const walPosition = marked ?? identity?.last ?? -1
  await metadata.propose(() => ({ records: [{ type: 'nodeOpened', nodeId, epoch, ...facts, walPosition }], result: undefined }))
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
