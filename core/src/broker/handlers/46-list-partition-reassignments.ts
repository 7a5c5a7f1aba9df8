import { KafkaErrorCode } from '../../protocol/error-codes.ts'
import { ApiKey } from '../../protocol/messages/apis.ts'
import type { ApiHandler } from '../handler.ts'

/** ListPartitionReassignments, version 0: none is ever under way. */
export function listPartitionReassignmentsHandler (): ApiHandler<typeof ApiKey.ListPartitionReassignments> {
  return {
    apiKey: ApiKey.ListPartitionReassignments,
    handle: () => ({ throttleTimeMs: 0, errorCode: KafkaErrorCode.NONE, errorMessage: null, topics: [] })
  }
}
