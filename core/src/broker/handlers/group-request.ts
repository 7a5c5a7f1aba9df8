import { KafkaErrorCode } from '../../protocol/error-codes.ts'
import { kafkaCodeOf } from '../kafka-error.ts'

/** The code to tell a client of a group: storage trouble is the coordinator's, which clients look for again and retry. */
export function groupCodeOf (error: unknown): KafkaErrorCode {
  const code = kafkaCodeOf(error)
  return code === KafkaErrorCode.KAFKA_STORAGE_ERROR || code === KafkaErrorCode.NOT_LEADER_OR_FOLLOWER ? KafkaErrorCode.COORDINATOR_NOT_AVAILABLE : code
}
