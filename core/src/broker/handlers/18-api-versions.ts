import { KafkaErrorCode } from '../../protocol/error-codes.ts'
import { ApiKey } from '../../protocol/messages/apis.ts'
import type { AdvertisedApi } from '../dispatcher.ts'
import type { ApiHandler } from '../handler.ts'

const softwareFrom = 3
const softwarePattern = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/

/**
 * ApiVersions, versions 0 to 4; the dispatcher answers others. `advertised`: what is served, asked at each request because it
 * follows from the list of handlers that this one is in. No features are named, neither supported nor finalized: clients take
 * `transaction.version` and its like for promises, and none of them is kept yet.
 */
export function apiVersionsHandler (advertised: () => readonly AdvertisedApi[]): ApiHandler<typeof ApiKey.ApiVersions> {
  return {
    apiKey: ApiKey.ApiVersions,
    handle: ({ clientSoftwareName, clientSoftwareVersion }, { apiVersion }) => {
      const isWellFormed = apiVersion < softwareFrom || (softwarePattern.test(clientSoftwareName) && softwarePattern.test(clientSoftwareVersion))
      if (!isWellFormed) return { errorCode: KafkaErrorCode.INVALID_REQUEST, apiKeys: [], throttleTimeMs: 0 }
      return { errorCode: KafkaErrorCode.NONE, apiKeys: advertised(), throttleTimeMs: 0 }
    }
  }
}
