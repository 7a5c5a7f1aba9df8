import { KafkaErrorCode } from '../../protocol/error-codes.ts'
import { KafkaError, kafkaCodeOf } from '../kafka-error.ts'

/**
 * What storage says of the coordinator's own log says nothing of what the client named: the coordinator is not available, which
 * clients look for again and retry. So is an append in doubt, as in Kafka: to repeat it does no harm, since state is set, not added to.
 */
const coordinatorTrouble: ReadonlySet<KafkaErrorCode> = new Set([
  KafkaErrorCode.KAFKA_STORAGE_ERROR,
  KafkaErrorCode.NOT_LEADER_OR_FOLLOWER,
  KafkaErrorCode.REQUEST_TIMED_OUT,
  KafkaErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  KafkaErrorCode.OFFSET_OUT_OF_RANGE,
  KafkaErrorCode.CORRUPT_MESSAGE
])

/** The code to tell a client of a group. */
export function groupCodeOf (error: unknown): KafkaErrorCode {
  const code = kafkaCodeOf(error)
  return !(error instanceof KafkaError) && coordinatorTrouble.has(code) ? KafkaErrorCode.COORDINATOR_NOT_AVAILABLE : code
}
