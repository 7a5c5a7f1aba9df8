import { defineApi } from '../schema/api.ts'
import { array, bool, int16, int32, int8, string } from '../schema/fields.ts'
import type { DecodedMessage, EncodableMessage } from '../schema/message.ts'

/** Replaces the whole configuration of a resource; deprecated in favour of IncrementalAlterConfigs. */
export const alterConfigs = defineApi({
  key: 33,
  name: 'AlterConfigs',
  versions: '0-2',
  flexible: '2+',
  request: {
    resources: array('0+', {
      resourceType: int8('0+'),
      resourceName: string('0+'),
      configs: array('0+', {
        name: string('0+'),
        value: string('0+', { nullable: '0+' })
      })
    }),
    validateOnly: bool('0+')
  },
  response: {
    throttleTimeMs: int32('0+'),
    responses: array('0+', {
      errorCode: int16('0+'),
      errorMessage: string('0+', { nullable: '0+' }),
      resourceType: int8('0+'),
      resourceName: string('0+')
    })
  }
})

export type AlterConfigsRequest = DecodedMessage<typeof alterConfigs.request>
export type AlterConfigsRequestInput = EncodableMessage<typeof alterConfigs.request>
export type AlterConfigsResponse = DecodedMessage<typeof alterConfigs.response>
export type AlterConfigsResponseInput = EncodableMessage<typeof alterConfigs.response>
