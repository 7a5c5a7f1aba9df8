import { defineApi } from '../schema/api.ts'
import { array, bool, int16, int32, int8, string } from '../schema/fields.ts'
import type { DecodedMessage, EncodableMessage } from '../schema/message.ts'

/** Sets, deletes, appends to or subtracts from single configuration values. */
export const incrementalAlterConfigs = defineApi({
  key: 44,
  name: 'IncrementalAlterConfigs',
  versions: '0-1',
  flexible: '1+',
  request: {
    resources: array('0+', {
      resourceType: int8('0+'),
      resourceName: string('0+'),
      configs: array('0+', {
        name: string('0+'),
        configOperation: int8('0+'),
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

export type IncrementalAlterConfigsRequest = DecodedMessage<typeof incrementalAlterConfigs.request>
export type IncrementalAlterConfigsRequestInput = EncodableMessage<typeof incrementalAlterConfigs.request>
export type IncrementalAlterConfigsResponse = DecodedMessage<typeof incrementalAlterConfigs.response>
export type IncrementalAlterConfigsResponseInput = EncodableMessage<typeof incrementalAlterConfigs.response>
