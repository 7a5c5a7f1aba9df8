import { defineApi } from '../schema/api.ts'
import { array, bool, int16, int32, int64, string } from '../schema/fields.ts'
import type { DecodedMessage, EncodableMessage } from '../schema/message.ts'

/**
 * What a broker speaks. Its answer always has response header v0, and an unknown version is answered in version 0,
 * so that a client of any age can read it.
 */
export const apiVersions = defineApi({
  key: 18,
  name: 'ApiVersions',
  versions: '0-4',
  flexible: '3+',
  request: {
    clientSoftwareName: string('3+', { ignorable: true }),
    clientSoftwareVersion: string('3+', { ignorable: true })
  },
  response: {
    errorCode: int16('0+'),
    apiKeys: array('0+', {
      apiKey: int16('0+'),
      minVersion: int16('0+'),
      maxVersion: int16('0+')
    }),
    throttleTimeMs: int32('1+', { ignorable: true }),
    supportedFeatures: array('3+', {
      name: string('3+'),
      minVersion: int16('3+'),
      maxVersion: int16('3+')
    }, { ignorable: true, tag: 0 }),
    finalizedFeaturesEpoch: int64('3+', { default: -1, ignorable: true, tag: 1 }),
    finalizedFeatures: array('3+', {
      name: string('3+'),
      maxVersionLevel: int16('3+'),
      minVersionLevel: int16('3+')
    }, { ignorable: true, tag: 2 }),
    zkMigrationReady: bool('3+', { default: false, ignorable: true, tag: 3 })
  }
})

export type ApiVersionsRequest = DecodedMessage<typeof apiVersions.request>
export type ApiVersionsRequestInput = EncodableMessage<typeof apiVersions.request>
export type ApiVersionsResponse = DecodedMessage<typeof apiVersions.response>
export type ApiVersionsResponseInput = EncodableMessage<typeof apiVersions.response>
