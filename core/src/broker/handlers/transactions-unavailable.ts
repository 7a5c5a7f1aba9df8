import { KafkaErrorCode } from '../../protocol/error-codes.ts'
import { KafkaError } from '../kafka-error.ts'

/** Refuses a transactional id. Java and librdkafka take the code as final; on most others librdkafka asks until its time is up. */
export function transactionsUnavailable (): KafkaError {
  return new KafkaError(KafkaErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, 'transactions are not available in this release')
}
