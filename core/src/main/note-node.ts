import { StreambedError, type Logger, type Wal, type WalPosition } from '@streambed/sdk'
import type { Metadata } from '../metadata/metadata.ts'
import type { Endpoint } from '../metadata/records.ts'
import type { StreamEngine } from '../storage/stream/stream-engine.ts'
import type { Registration } from './register-node.ts'

/**
 * Tells the cluster that the node serves, and lets it serve. The WAL and the metadata each say first how far the other reaches, so that an
 * older copy of either is recognised though nothing else is written: the metadata name a mark of the WAL, which a second mark follows
 * that names them. A WAL without room for marks serves too: what it holds can be read, and uploads make room.
 */
export async function serve (metadata: Metadata, { nodeEpoch: epoch, nodeId }: Registration, { identity }: Wal, engine: StreamEngine, facts: { readonly endpoints: readonly Endpoint[], readonly rack: string | null }): Promise<void> {
  const walPosition = await markIfRoom(engine) ?? identity?.last ?? -1
  await metadata.propose(() => ({ records: [{ type: 'nodeOpened', nodeId, epoch, ...facts, walPosition }], result: undefined }))
  await engine.serve()
  await markIfRoom(engine)
}

async function markIfRoom (engine: StreamEngine): Promise<WalPosition | undefined> {
  try {
    return await engine.mark()
  } catch (error) {
    if (StreambedError.is(error, 'OUT_OF_SPACE', 'OVER_CAPACITY')) return undefined
    throw error
  }
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
