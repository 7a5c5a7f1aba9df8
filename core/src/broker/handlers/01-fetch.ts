import { StreambedError, clampInt64 } from '@streambed/sdk'
import { KafkaErrorCode } from '../../protocol/error-codes.ts'
import type { FetchResponseInput } from '../../protocol/messages/01-fetch.ts'
import { ApiKey, type RequestOf } from '../../protocol/messages/apis.ts'
import { costOf, type StreamBatch } from '../../storage/stream/stream-batch.ts'
import type { FetchOptions } from '../../storage/stream/stream-reader.ts'
import type { ApiHandler, RequestContext } from '../handler.ts'
import { KafkaError, kafkaCodeOf } from '../kafka-error.ts'
import type { Partition } from '../partition/partition.ts'
import type { BrokerServices } from '../services.ts'
import type { PartitionSlot, TopicRegistry } from '../topics/topic-registry.ts'
import { checkLeaderEpoch } from './leader-epoch.ts'

type Services = Pick<BrokerServices, 'topics' | 'clock' | 'logger'>
type FetchRequest = RequestOf<typeof ApiKey.Fetch>
type PartitionRequest = FetchRequest['topics'][number]['partitions'][number]
type PartitionResponse = FetchResponseInput['responses'][number]['partitions'][number]

/** Kafka's `fetch.max.bytes`: no response holds more, whatever the client allows. */
const responseBytesMax = 55 * 1024 * 1024
/** What the batches of one response may cost in memory until the client has taken them: of large ones it is never too much. */
const responseCostMax = 2 * responseBytesMax
/** Partitions of one request that are read from objects at the same time. */
const coldReadsMax = 8

/** One partition of a fetch request, and what was found for it so far. */
interface Wanted {
  readonly request: PartitionRequest
  readonly slot: PartitionSlot | undefined
  readonly unknown: KafkaErrorCode
  /** Set once open and in range; `error` otherwise. */
  partition: Partition | undefined
  batches: readonly StreamBatch[]
  bytes: number
  cost: number
  /** Where the log that the client has read parts from ours; its answer has no records. */
  diverging: { readonly epoch: number, readonly endOffset: number } | undefined
  error: unknown
}

/** What a response may still take. */
interface Room { bytes: number, cost: number }

function roomOf (request: FetchRequest): Room { return { bytes: Math.min(request.maxBytes, responseBytesMax), cost: responseCostMax } }

/**
 * Fetch, versions 4 to 18. Sessions are never opened: every answer is a full one with session id 0, which KIP-227 allows.
 * Left out: replica fetches, refused with NOT_LEADER_OR_FOLLOWER, and preferred read replicas (there are no followers). Without
 * transactions read_committed and read_uncommitted see the same.
 */
export function fetchHandler (services: Services): ApiHandler<typeof ApiKey.Fetch> {
  return {
    apiKey: ApiKey.Fetch,
    handle: async (request, context) => {
      if (request.sessionId !== 0 && request.sessionEpoch > 0) return { errorCode: KafkaErrorCode.FETCH_SESSION_ID_NOT_FOUND, throttleTimeMs: 0, sessionId: 0, responses: [] }
      const topics = request.topics.map(({ partitions, topic: name, topicId }) => {
        const topic = context.apiVersion >= 13 ? services.topics.byId(topicId) : services.topics.byName(name)
        const unknown = context.apiVersion >= 13 && topic === undefined ? KafkaErrorCode.UNKNOWN_TOPIC_ID : KafkaErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        return { name, topicId, wanted: partitions.map(partition => want(partition, topic?.slot(partition.partition), unknown)) }
      })
      const all = topics.flatMap(({ wanted }) => wanted)
      const replicaId = context.apiVersion >= 15 ? request.replicaState.replicaId : request.replicaId
      await Promise.all(all.map(wanted => open(wanted, replicaId)))
      await collect(all, request, services.topics)
      if (!isEnough(all, request)) {
        context.tookEffect()
        await longPoll(all, request, context, services)
      }
      const room = roomOf(request)
      let isFirst = true
      const responses = topics.map(({ name, topicId, wanted }) => ({
        topic: name,
        topicId,
        partitions: wanted.map(one => {
          const batches = within(one, room, isFirst)
          isFirst &&= batches.length === 0
          return respond(one, batches, context.apiVersion)
        })
      }))
      return { throttleTimeMs: 0, errorCode: KafkaErrorCode.NONE, sessionId: 0, responses }
    }
  }
}

function want (request: PartitionRequest, slot: PartitionSlot | undefined, unknown: KafkaErrorCode): Wanted {
  return { request, slot, unknown, partition: undefined, batches: [], bytes: 0, cost: 0, diverging: undefined, error: undefined }
}

function open (wanted: Wanted, replicaId: number): Promise<void> | undefined {
  const { request, slot } = wanted
  if (slot === undefined) {
    wanted.error = new KafkaError(wanted.unknown, `no such topic or partition. partition=${request.partition}`)
    return undefined
  }
  const use = (partition: Partition): void => {
    wanted.partition = partition
    try {
      // In a Fetch, unlike elsewhere, every negative epoch means none.
      checkLeaderEpoch(Math.max(request.currentLeaderEpoch, -1), partition.leaderEpoch)
      if (replicaId >= 0) throw new KafkaError(KafkaErrorCode.NOT_LEADER_OR_FOLLOWER, `no broker is a replica of the partition. replicaId=${replicaId}`)
      wanted.diverging = divergingFrom(partition, request)
    } catch (error) {
      wanted.error = error
    }
  }
  if (slot.partition === undefined) return slot.whenOpen().then(use, (error: unknown) => { wanted.error = error })
  use(slot.partition)
  return undefined
}

/** Where the partition's log ends the epoch that the client read last, if that is before what it asks for (KIP-595). */
function divergingFrom (partition: Partition, { fetchOffset, lastFetchedEpoch }: PartitionRequest): Wanted['diverging'] {
  if (lastFetchedEpoch < 0) return undefined
  const { endOffset, leaderEpoch: epoch } = partition.endOfEpoch(lastFetchedEpoch)
  if (epoch < 0) throw new KafkaError(KafkaErrorCode.OFFSET_OUT_OF_RANGE, `nothing is known of the epoch that was fetched last. lastFetchedEpoch=${lastFetchedEpoch} current=${partition.leaderEpoch}`)
  if (epoch === lastFetchedEpoch && endOffset >= fetchOffset) return undefined
  if (fetchOffset < partition.logStartOffset) throw new KafkaError(KafkaErrorCode.OFFSET_OUT_OF_RANGE, `offset is before the log's start. offset=${fetchOffset} start=${partition.logStartOffset}`)
  return { epoch, endOffset }
}

/** Reads what memory has for all, then the rest from objects, a few at a time, until the response is full. */
async function collect (all: readonly Wanted[], request: FetchRequest, topics: TopicRegistry): Promise<void> {
  const room = roomOf(request)
  const isFull = (): boolean => room.bytes <= 0 || room.cost <= 0
  const take = ({ bytes, cost }: Wanted): void => {
    room.bytes -= bytes
    room.cost -= cost
  }
  const cold: Wanted[] = []
  // What memory has of later partitions must not crowd out the first for ever: clients rotate the order to be fair (KIP-74).
  const first = all.find(isReadable)
  for (const wanted of all) {
    if (!isReadable(wanted) || isFull()) continue
    if (readCached(wanted, topics)) take(wanted)
    else cold.push(wanted)
  }
  const readers = Array.from({ length: Math.min(coldReadsMax, cold.length) }, async () => {
    for (let wanted = cold.shift(); wanted !== undefined && (!isFull() || wanted === first); wanted = cold.shift()) {
      await readCold(wanted)
      take(wanted)
    }
  })
  await Promise.all(readers)
}

function isReadable (wanted: Wanted): wanted is Wanted & { partition: Partition } {
  return wanted.partition !== undefined && wanted.error === undefined && wanted.diverging === undefined && wanted.batches.length === 0
}

/** True when memory had the answer, which may be that there is nothing, or an error. */
function readCached (wanted: Wanted & { partition: Partition }, topics: TopicRegistry): boolean {
  try {
    if (wanted.partition.isClosed) {
      throw topics.byId(wanted.partition.topicId) === undefined
        ? new KafkaError(KafkaErrorCode.UNKNOWN_TOPIC_OR_PARTITION, 'topic is deleted')
        : new KafkaError(KafkaErrorCode.NOT_LEADER_OR_FOLLOWER, 'partition is closed')
    }
    const found = wanted.partition.fetchCached(offsetOf(wanted.request), optionsOf(wanted.request))
    if (found === undefined) return false
    wanted.batches = found.batches
    wanted.bytes = found.bytes
    wanted.cost = found.cost
  } catch (error) {
    wanted.error = error
  }
  return true
}

async function readCold (wanted: Wanted): Promise<void> {
  try {
    const found = await wanted.partition!.fetch(offsetOf(wanted.request), optionsOf(wanted.request))
    wanted.batches = found.batches
    wanted.bytes = found.bytes
    wanted.cost = found.cost
  } catch (error) {
    // Proven by reading again: clients tell their application, where of a storage error they would wait for ever.
    wanted.error = StreambedError.is(error, 'CORRUPT') ? new KafkaError(KafkaErrorCode.CORRUPT_MESSAGE, error.message, { cause: error }) : error
  }
}

/** What no log reaches stays out of range. */
function offsetOf (request: PartitionRequest): number { return clampInt64(request.fetchOffset) }

/** Every partition may give its first batch, whatever its size: which of them does is decided when the answer is made. */
function optionsOf (request: PartitionRequest): FetchOptions {
  return { bytesMax: bytesMaxOf(request), costMax: responseCostMax, atLeastOneBatch: true }
}

function bytesMaxOf (request: PartitionRequest): number { return Math.max(0, Math.min(request.partitionMaxBytes, responseBytesMax)) }

function isEnough (all: readonly Wanted[], request: FetchRequest): boolean {
  if (request.maxWaitMs <= 0 || all.length === 0) return true
  let bytes = 0
  let cost = 0
  for (const wanted of all) {
    if (wanted.error !== undefined || wanted.diverging !== undefined) return true
    // A batch over the limit of its partition is given as the first of the response alone.
    if (bytes === 0 || wanted.bytes <= bytesMaxOf(wanted.request)) bytes += wanted.bytes
    cost += wanted.cost
  }
  return bytes >= request.minBytes || cost >= responseCostMax
}

/** Waits until the partitions have enough, one fails, or the time is up; then all that is there has been read. */
async function longPoll (all: readonly Wanted[], request: FetchRequest, context: RequestContext, services: Services): Promise<void> {
  const woken = Promise.withResolvers<void>()
  let isWaking = false
  const recheck = (): void => {
    isWaking = false
    for (const wanted of all) {
      if (wanted.partition === undefined || wanted.error !== undefined) continue
      readCached(wanted as Wanted & { partition: Partition }, services.topics)
    }
    if (isEnough(all, request)) woken.resolve()
  }
  // A burst of appends wakes once, after the burst.
  const wake = (): void => {
    if (isWaking) return
    isWaking = true
    queueMicrotask(recheck)
  }
  const stops = all.flatMap(wanted => wanted.partition?.onAdvanced(wake) ?? [])
  const timer = services.clock.schedule(request.maxWaitMs, woken.resolve)
  context.signal.addEventListener('abort', woken.resolve as () => void, { once: true })
  // What was appended between the first look and the listening must not wait for the next append.
  recheck()
  await woken.promise
  timer.cancel()
  context.signal.removeEventListener('abort', woken.resolve as () => void)
  for (const stop of stops) stop()
}

/** The first batches that fit into `room`, which they take, and what the partition may give; with `atLeastOne` the very first in any case (KIP-74). */
function within ({ batches, request }: Wanted, room: Room, atLeastOne: boolean): readonly StreamBatch[] {
  let count = 0
  let bytesLeft = bytesMaxOf(request)
  for (const batch of batches) {
    const isFull = batch.bytes.length > Math.min(room.bytes, bytesLeft) || room.cost <= 0
    if (isFull && !(atLeastOne && count === 0)) break
    room.bytes -= batch.bytes.length
    bytesLeft -= batch.bytes.length
    room.cost -= costOf(batch)
    count++
  }
  return count === batches.length ? batches : batches.slice(0, count)
}

function respond ({ diverging, error, partition, request }: Wanted, batches: readonly StreamBatch[], version: number): PartitionResponse {
  if (error !== undefined || partition === undefined) {
    const code = kafkaCodeOf(error)
    // Old consumers know no storage errors.
    const known = code === KafkaErrorCode.KAFKA_STORAGE_ERROR && version <= 5 ? KafkaErrorCode.NOT_LEADER_OR_FOLLOWER : code
    return { partitionIndex: request.partition, errorCode: known, highWatermark: -1, lastStableOffset: -1, logStartOffset: -1, abortedTransactions: null, records: [] }
  }
  return {
    partitionIndex: request.partition,
    errorCode: KafkaErrorCode.NONE,
    highWatermark: partition.highWatermark,
    lastStableOffset: partition.lastStableOffset,
    logStartOffset: partition.logStartOffset,
    ...diverging === undefined ? {} : { divergingEpoch: diverging },
    abortedTransactions: null,
    records: batches.map(batch => batch.bytes)
  }
}
