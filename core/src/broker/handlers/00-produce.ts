import type { ProduceResponseInput } from '../../protocol/messages/00-produce.ts'
import { KafkaErrorCode, isRetriable } from '../../protocol/error-codes.ts'
import { ApiKey, type RequestOf } from '../../protocol/messages/apis.ts'
import type { ApiHandler, Answer, RequestContext } from '../handler.ts'
import { KafkaError, kafkaCodeOf, messageOf } from '../kafka-error.ts'
import { InvalidRecordsError } from '../partition/batch-validation.ts'
import type { BrokerServices } from '../services.ts'
import { isInternalTopic } from '../topics/internal-topics.ts'
import type { Topic } from '../topics/topic-registry.ts'

type Services = Pick<BrokerServices, 'topics' | 'backPressure' | 'clock' | 'logger'>
type PartitionData = RequestOf<typeof ApiKey.Produce>['topicData'][number]['partitionData'][number]
type PartitionResponse = ProduceResponseInput['responses'][number]['partitionResponses'][number]

/** The one client that may write to internal topics (KIP-48 tools go by it). */
const internalTopicWriter = '__admin_client'

/**
 * Produce, versions 3 to 13. acks 0, 1 and all mean the same durability here: an answer is given once the WAL holds the
 * records. What is not known to be there after the request's timeout is REQUEST_TIMED_OUT, and may yet come to be there. Left
 * out: transactions (refused).
 */
export function produceHandler (services: Services): ApiHandler<typeof ApiKey.Produce> {
  return {
    apiKey: ApiKey.Produce,
    handle: (request, context) => {
      // All appends happen in this loop, before anything awaits: requests keep their order.
      const responses = request.topicData.map(topicData => {
        const topic = context.apiVersion >= 13 ? services.topics.byId(topicData.topicId) : services.topics.byName(topicData.name)
        const unknown = context.apiVersion >= 13 ? KafkaErrorCode.UNKNOWN_TOPIC_ID : KafkaErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        const results = topicData.partitionData.map(data => ({ index: data.index, response: append(data, topic, unknown, request, context) }))
        return { name: topicData.name, topicId: topicData.topicId, results }
      })
      return answer(responses, request, services)
    }
  }
}

/** Clients that want an answer at once mean: without waiting for replicas. The WAL takes its time here. */
const timeoutMsMin = 1_000

interface TopicResults { readonly name: string, readonly topicId: string, readonly results: readonly { readonly index: number, readonly response: Promise<PartitionResponse> }[] }

async function answer (topics: readonly TopicResults[], { acks, timeoutMs }: RequestOf<typeof ApiKey.Produce>, services: Services): Promise<Answer<typeof ApiKey.Produce>> {
  const late = Promise.withResolvers<undefined>()
  const timer = services.clock.schedule(Math.max(timeoutMs, timeoutMsMin), () => { late.resolve(undefined) })
  const responses: ProduceResponseInput['responses'][number][] = []
  for (const { name, results, topicId } of topics) {
    const partitionResponses: PartitionResponse[] = []
    // All of them are on their way, and none rejects: waiting for one after the other costs nothing, and no closures.
    for (const { index, response } of results) partitionResponses.push(await Promise.race([response, late.promise]) ?? timedOut(index))
    responses.push({ name, topicId, partitionResponses })
  }
  timer.cancel()
  if (acks === 0) return responses.some(topic => topic.partitionResponses.some(partition => partition.errorCode !== 0)) ? 'close' : 'noReply'
  return { responses, throttleTimeMs: services.backPressure.produceThrottleMs() }
}

function timedOut (index: number): PartitionResponse {
  return { index, errorCode: KafkaErrorCode.REQUEST_TIMED_OUT, baseOffset: -1, logAppendTimeMs: -1, logStartOffset: -1, errorMessage: null, recordErrors: [] }
}

async function append (data: PartitionData, topic: Topic | undefined, unknown: KafkaErrorCode, request: RequestOf<typeof ApiKey.Produce>, context: RequestContext): Promise<PartitionResponse> {
  try {
    if (request.acks < -1 || request.acks > 1) throw new KafkaError(KafkaErrorCode.INVALID_REQUIRED_ACKS, `acks must be -1, 0 or 1, got ${request.acks}`)
    const slot = topic?.slot(data.index)
    if (topic === undefined || slot === undefined) throw new KafkaError(topic === undefined ? unknown : KafkaErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `no such topic or partition. partition=${data.index}`)
    if (isInternalTopic(topic.name) && context.clientId !== internalTopicWriter) throw new KafkaError(KafkaErrorCode.INVALID_TOPIC_EXCEPTION, `clients may not write to an internal topic. topic=${topic.name}`)
    if (data.records === null || data.records.length === 0) throw new KafkaError(KafkaErrorCode.INVALID_RECORD, 'no records')
    const partition = slot.partition ?? await slot.whenOpen()
    const { baseOffset, logAppendTimeMs } = await partition.append(data.records, context.apiVersion)
    return { index: data.index, errorCode: KafkaErrorCode.NONE, baseOffset, logAppendTimeMs, logStartOffset: partition.logStartOffset }
  } catch (error) {
    const code = kafkaCodeOf(error)
    return {
      index: data.index,
      errorCode: code,
      baseOffset: -1,
      logAppendTimeMs: -1,
      logStartOffset: -1,
      errorMessage: isRetriable(code) ? null : messageOf(error),
      recordErrors: error instanceof InvalidRecordsError ? error.problems.map(({ batchIndex, message }) => ({ batchIndex, batchIndexErrorMessage: message })) : []
    }
  }
}
