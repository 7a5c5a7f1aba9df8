import { StreambedError, type ErrorCode } from '@streambed/sdk'
import { KafkaErrorCode } from '../protocol/error-codes.ts'
import { ProtocolError } from '../protocol/protocol-error.ts'

/** A failure whose Kafka code a handler decided; the message may be shown to the client. */
export class KafkaError extends Error {
  readonly code: KafkaErrorCode
  constructor (code: KafkaErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.name = 'KafkaError'
    this.code = code
  }
}

/** What a client is told of our own errors: retriable codes exactly where asking again can help. */
const kafkaCodes: Readonly<Record<ErrorCode, KafkaErrorCode>> = {
  ABORTED: KafkaErrorCode.REQUEST_TIMED_OUT,
  ALREADY_EXISTS: KafkaErrorCode.TOPIC_ALREADY_EXISTS,
  CLOSED: KafkaErrorCode.NOT_LEADER_OR_FOLLOWER,
  CONFLICT: KafkaErrorCode.REQUEST_TIMED_OUT,
  CORRUPT: KafkaErrorCode.KAFKA_STORAGE_ERROR,
  FENCED: KafkaErrorCode.NOT_LEADER_OR_FOLLOWER,
  INTERNAL: KafkaErrorCode.UNKNOWN_SERVER_ERROR,
  INVALID_ARGUMENT: KafkaErrorCode.INVALID_REQUEST,
  LOCKED: KafkaErrorCode.KAFKA_STORAGE_ERROR,
  MISCONFIGURED: KafkaErrorCode.KAFKA_STORAGE_ERROR,
  NOT_FOUND: KafkaErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  OUTCOME_UNKNOWN: KafkaErrorCode.REQUEST_TIMED_OUT,
  OUT_OF_RANGE: KafkaErrorCode.OFFSET_OUT_OF_RANGE,
  OUT_OF_SPACE: KafkaErrorCode.KAFKA_STORAGE_ERROR,
  OVER_CAPACITY: KafkaErrorCode.KAFKA_STORAGE_ERROR,
  PERMISSION_DENIED: KafkaErrorCode.KAFKA_STORAGE_ERROR,
  THROTTLED: KafkaErrorCode.KAFKA_STORAGE_ERROR,
  TIMEOUT: KafkaErrorCode.REQUEST_TIMED_OUT,
  UNAVAILABLE: KafkaErrorCode.KAFKA_STORAGE_ERROR,
  // What is stored is newer than this program: no fault of the request's version, which UNSUPPORTED_VERSION would say.
  UNSUPPORTED: KafkaErrorCode.KAFKA_STORAGE_ERROR,
  WRONG_MEDIUM: KafkaErrorCode.KAFKA_STORAGE_ERROR
}

/** The Kafka error code of any failure. */
export function kafkaCodeOf (error: unknown): KafkaErrorCode {
  if (error instanceof KafkaError) return error.code
  if (error instanceof ProtocolError) return KafkaErrorCode.CORRUPT_MESSAGE
  return StreambedError.is(error) ? kafkaCodes[error.code] : KafkaErrorCode.UNKNOWN_SERVER_ERROR
}

/** What may be said to a client of any failure. */
export function messageOf (error: unknown): string {
  if (error instanceof KafkaError || StreambedError.is(error)) return error.message
  return 'internal error'
}
