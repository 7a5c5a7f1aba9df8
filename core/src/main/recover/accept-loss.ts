import { StreambedError, type Environment } from '@streambed/sdk'
import { defaultBatchChecks } from '../../broker/partition/batch-checks.ts'
import { encodeCheckpoint } from '../../broker/partition/checkpoint.ts'
import type { LeaderEpochStart } from '../../broker/partition/leader-epochs.ts'
import { Partition } from '../../broker/partition/partition.ts'
import type { Metadata } from '../../metadata/metadata.ts'
import { StreamCatalog } from '../../metadata/stream-catalog.ts'
import { encodeEmptyBatch } from '../../protocol/records/encode-batch.ts'
import { objectKey } from '../../storage/object/object-key.ts'
import { encodeObject } from '../../storage/object/object-writer.ts'
import type { StorageOptions } from '../../storage/options.ts'
import type { StreamEngine } from '../../storage/stream/stream-engine.ts'
import type { PlannedStream } from '../../storage/upload/object-plan.ts'
import type { ObjectStores } from '../object-stores.ts'
import type { Registration } from '../register-node.ts'

/** How far each partition goes on past what is kept: more than a WAL can have given out, and what one batch may cover. */
export const offsetsSkipped = 2 ** 31

export interface AcceptLossParts {
  readonly metadata: Metadata
  readonly environment: Environment
  readonly stores: ObjectStores
  readonly options: StorageOptions
  readonly registration: Registration
  /** Reads what objects hold; appends nothing. */
  readonly engine: StreamEngine
}

/** How a partition goes on. */
export interface Continuation { readonly name: string, readonly startOffset: number, readonly endOffset: number, readonly nextOffset: number }

/**
 * Carries every partition that the node owns past the offsets that may have been given out, in one entry of the metadata log: a batch
 * without records covers them, so that readers pass over; a checkpoint says so, with no producers; and the streams get new epochs.
 * A crash before that entry leaves an orphan, one after it nothing to do.
 */
export async function acceptLoss (parts: AcceptLossParts): Promise<readonly Continuation[]> {
  const { environment, metadata, options, registration, stores } = parts
  const { nodeEpoch, nodeId } = registration
  const catalog = new StreamCatalog({ metadata, clock: environment.clock, nodeId, nodeEpoch })
  const plan: PlannedStream[] = []
  const continuations: Continuation[] = []
  for (const topic of metadata.image.topics()) {
    for (const [index, streams] of topic.partitions.entries()) {
      const data = catalog.stream(streams.dataStreamId)!
      const checkpoints = catalog.stream(streams.checkpointStreamId)!
      if (data.ownerNodeId !== nodeId) continue
      const nextOffset = data.endOffset + offsetsSkipped
      const leaderEpoch = data.epoch + 1
      const leaderEpochs = [...await leaderEpochsOf(parts, topic, index), { leaderEpoch, startOffset: data.endOffset }]
      const gap = encodeEmptyBatch(data.endOffset, offsetsSkipped, { partitionLeaderEpoch: leaderEpoch })
      plan.push({ streamId: data.streamId, streamEpoch: data.epoch, batches: [{ baseOffset: data.endOffset, count: offsetsSkipped, largestTimestamp: -1, bytes: gap }] })
      const checkpoint = encodeCheckpoint({ endOffset: nextOffset, producers: [], leaderEpochs })
      plan.push({ streamId: checkpoints.streamId, streamEpoch: checkpoints.epoch, batches: [{ baseOffset: checkpoints.endOffset, count: 1, largestTimestamp: -1, bytes: checkpoint }] })
      continuations.push({ name: `${topic.name}-${index}`, startOffset: data.startOffset, endOffset: data.endOffset, nextOffset })
    }
  }
  const objects = plan.length === 0 ? [] : [await putObject(catalog, stores, plan.sort((left, right) => left.streamId - right.streamId), options, environment)]
  await metadata.propose(() => ({ records: [{ type: 'lossAccepted', nodeId, nodeEpoch, objects, atMs: environment.clock.wallMs() }], result: undefined }))
  return continuations
}

async function putObject (catalog: StreamCatalog, stores: ObjectStores, plan: readonly PlannedStream[], options: StorageOptions, environment: Environment) {
  const objectId = await catalog.reserveObjectIds(1)
  const { commit, pieces } = await encodeObject(objectId, plan, options, environment)
  await stores.get(options.store)!.put(objectKey(objectId), pieces, { ifAbsent: true })
  return commit
}

/** What the log says of leader epochs; nothing where it cannot be read. */
async function leaderEpochsOf ({ engine, environment: { clock, logger }, metadata }: AcceptLossParts, topic: { readonly topicId: string, readonly name: string }, index: number): Promise<readonly LeaderEpochStart[]> {
  const { checkpointStreamId, dataStreamId } = metadata.image.topic(topic.topicId)!.partitions[index]!
  try {
    const partition = await Partition.open({
      topicName: topic.name,
      topicId: topic.topicId,
      index,
      data: engine.stream(dataStreamId),
      checkpoints: engine.stream(checkpointStreamId),
      leaderEpoch: metadata.image.stream(dataStreamId)!.epoch,
      clock,
      logger,
      config: () => { throw new StreambedError('CLOSED', 'nothing is appended here') },
      checks: defaultBatchChecks,
      checkpointBytes: Infinity,
      producerExpirationMs: () => Infinity
    })
    return partition.leaderEpochStarts
  } catch (error) {
    if (!StreambedError.is(error, 'CORRUPT', 'UNAVAILABLE', 'NOT_FOUND')) throw error
    logger.warn('the leader epochs of a partition cannot be read', { topic: topic.name, partition: index, error: error.message })
    return []
  }
}
