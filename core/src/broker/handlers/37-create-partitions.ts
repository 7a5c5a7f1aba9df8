import { KafkaErrorCode } from '../../protocol/error-codes.ts'
import type { CreatePartitionsResponseInput } from '../../protocol/messages/37-create-partitions.ts'
import { ApiKey, type RequestOf } from '../../protocol/messages/apis.ts'
import type { ApiHandler } from '../handler.ts'
import { kafkaCodeOf, messageOf } from '../kafka-error.ts'
import type { BrokerServices } from '../services.ts'
import { addPartitions } from '../topics/topic-changes.ts'

type Services = Pick<BrokerServices, 'metadata' | 'nodeId'>
type Result = CreatePartitionsResponseInput['results'][number]

/** CreatePartitions, versions 0 to 3. This node leads the new partitions. The timeout is not acted on. */
export function createPartitionsHandler (services: Services): ApiHandler<typeof ApiKey.CreatePartitions> {
  return {
    apiKey: ApiKey.CreatePartitions,
    handle: async request => ({ throttleTimeMs: 0, results: await add(services, request) })
  }
}

async function add ({ metadata, nodeId }: Services, { topics, validateOnly }: RequestOf<typeof ApiKey.CreatePartitions>): Promise<Result[]> {
  const wanted = topics.map(({ assignments, count, name }) => ({ name, count, assignments: assignments?.map(({ brokerIds }) => brokerIds) ?? null }))
  const rules = { ownerNodeId: nodeId }
  try {
    const outcomes = validateOnly ? addPartitions(metadata.image, wanted, rules).result : await metadata.propose(image => addPartitions(image, wanted, rules))
    return outcomes.map((outcome, index) => ({
      name: topics[index]!.name,
      errorCode: outcome.kind === 'done' ? KafkaErrorCode.NONE : outcome.error.code,
      errorMessage: outcome.kind === 'done' ? null : outcome.error.message
    }))
  } catch (error) {
    return topics.map(({ name }) => ({ name, errorCode: kafkaCodeOf(error), errorMessage: messageOf(error) }))
  }
}
