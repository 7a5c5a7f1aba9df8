import { KafkaErrorCode } from '../../protocol/error-codes.ts'
import { ApiKey } from '../../protocol/messages/apis.ts'
import type { ApiHandler } from '../handler.ts'

/**
 * DescribeAcls, versions 1 to 3: SECURITY_DISABLED, as from a Kafka broker without an authorizer. Tools go by it to show clusters
 * without access lists; where the API were missing they would fail.
 */
export function describeAclsHandler (): ApiHandler<typeof ApiKey.DescribeAcls> {
  return {
    apiKey: ApiKey.DescribeAcls,
    handle: () => ({ throttleTimeMs: 0, errorCode: KafkaErrorCode.SECURITY_DISABLED, errorMessage: 'No Authorizer is configured.', resources: [] })
  }
}
