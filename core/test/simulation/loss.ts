import { StreambedError } from '@streambed/sdk'
import { recover } from '../../src/main/recover/recover.ts'
import { KafkaErrorCode } from '../../src/protocol/error-codes.ts'
import { ApiKey } from '../../src/protocol/messages/apis.ts'
import { Compression, batchSize, lastOffset } from '../../src/protocol/records/batch-header.ts'
import { Violation } from './checker.ts'
import { SimulatedClient } from './client.ts'
import type { Target } from './producer.ts'
import { batchOf, readBatches } from './records.ts'
import type { World } from './world.ts'

const bytesMax = 100_000

/**
 * The WAL is lost for good, the loss is accepted, and the broker goes on: what objects held is there, and no offset that was given out is
 * given out again. Nothing else may be asked of the histories afterwards.
 */
export async function loseWalAndGoOn (world: World, targets: readonly Target[]): Promise<void> {
  const client = new SimulatedClient(world, 'survivor')
  const { metadata } = await world.untilReady()
  const kept = targets.map(({ partition, topic }) => metadata.image.stream(metadata.image.topicNamed(topic)!.partitions[partition]!.dataStreamId)!.endOffset)
  let isLost = false
  await world.between(async () => {
    isLost = world.loseWal('after-loss')
    if (isLost) await acceptLoss(world)
  })
  if (!isLost) return
  world.reached.note('a loss of the WAL is accepted')
  for (const [index, target] of targets.entries()) {
    target.history.mustHold(await readKept(client, target), kept[index]!)
    const { baseOffset } = await produceOne(client, target)
    if (baseOffset < target.history.givenOut) throw new Violation('inconsistent-offsets', `${target.history.name}: offset ${baseOffset} is given out after a loss, ${target.history.givenOut - 1} was before it`)
  }
  client.hangUp()
}

async function acceptLoss (world: World): Promise<void> {
  const { backends, config, process } = await world.command()
  const run = async (accepted: ReadonlySet<'wal'>): Promise<void> => {
    for await (const { subject, text } of recover(config, process.environment, accepted, backends)) world.trace.add(`recover: ${subject}: ${text}`)
  }
  const refused = await run(new Set()).then(() => undefined, (error: unknown) => error)
  if (!StreambedError.is(refused, 'WRONG_MEDIUM', 'CORRUPT')) throw new Violation('refused-to-open', `a lost WAL is not seen: ${String(refused)}`)
  await run(new Set(['wal'])).catch((error: unknown) => { throw new Violation('refused-to-open', `a loss cannot be accepted: ${error instanceof Error ? error.stack : String(error)}`) })
  process.die(true)
}

/** Offsets and ids of all records from the log's start up to its end, over the offsets that have none. */
async function readKept (client: SimulatedClient, { history, partition, topic }: Target): Promise<ReadonlyMap<number, string>> {
  const found = new Map<number, string>()
  const start = await client.until(ApiKey.ListOffsets, 5, () => ({ replicaId: -1, topics: [{ name: topic, partitions: [{ partitionIndex: partition, timestamp: -2 }] }] }),
    ({ topics }) => topics[0]!.partitions[0]!.errorCode === KafkaErrorCode.NONE)
  for (let offset = start.topics[0]!.partitions[0]!.offset; ;) {
    const fetchOffset = offset
    const answer = await client.until(ApiKey.Fetch, 12, () => ({ maxWaitMs: 0, minBytes: 1, maxBytes: bytesMax, topics: [{ topic, partitions: [{ partition, fetchOffset, partitionMaxBytes: bytesMax }] }] }),
      ({ responses }) => responses[0]!.partitions[0]!.errorCode === KafkaErrorCode.NONE)
    const { highWatermark, records } = answer.responses[0]!.partitions[0]!
    const bytes = records ?? new Uint8Array(0)
    for (const { baseOffset, recordIds } of readBatches(bytes, history)) recordIds.forEach((id, index) => found.set(baseOffset + index, id))
    for (let at = 0; at < bytes.length; at += batchSize(bytes, at)) offset = lastOffset(bytes, at) + 1
    if (offset >= highWatermark || bytes.length === 0) return found
  }
}

async function produceOne (client: SimulatedClient, { partition, topic }: Target): Promise<{ readonly baseOffset: number }> {
  const answer = await client.until(ApiKey.Produce, 9, () => ({
    acks: -1, timeoutMs: 1_000, topicData: [{ name: topic, partitionData: [{ index: partition, records: batchOf(['survivor#0#10'], { timestamp: client.world.clock.wallMs(), compression: Compression.None }) }] }]
  }), ({ responses }) => responses[0]!.partitionResponses[0]!.errorCode === KafkaErrorCode.NONE)
  return answer.responses[0]!.partitionResponses[0]!
}
