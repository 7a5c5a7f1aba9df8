import { defineApi } from '../schema/api.ts'
import { array, bool, int16, int32, int8, string } from '../schema/fields.ts'
import type { DecodedMessage, EncodableMessage } from '../schema/message.ts'

/** Configuration of topics, brokers and groups, with sources, synonyms and types. */
export const describeConfigs = defineApi({
  key: 32,
  name: 'DescribeConfigs',
  versions: '1-4',
  flexible: '4+',
  request: {
    resources: array('0+', {
      resourceType: int8('0+'),
      resourceName: string('0+'),
      configurationKeys: array('0+', 'string', { nullable: '0+' })
    }),
    includeSynonyms: bool('1+', { default: false }),
    includeDocumentation: bool('3+', { default: false })
  },
  response: {
    throttleTimeMs: int32('0+'),
    results: array('0+', {
      errorCode: int16('0+'),
      errorMessage: string('0+', { nullable: '0+' }),
      resourceType: int8('0+'),
      resourceName: string('0+'),
      configs: array('0+', {
        name: string('0+'),
        value: string('0+', { nullable: '0+' }),
        readOnly: bool('0+'),
        configSource: int8('1+', { default: -1, ignorable: true }),
        isSensitive: bool('0+'),
        synonyms: array('1+', {
          name: string('1+'),
          value: string('1+', { nullable: '0+' }),
          source: int8('1+')
        }, { ignorable: true }),
        configType: int8('3+', { default: 0, ignorable: true }),
        documentation: string('3+', { nullable: '0+', ignorable: true })
      })
    })
  }
})

export type DescribeConfigsRequest = DecodedMessage<typeof describeConfigs.request>
export type DescribeConfigsRequestInput = EncodableMessage<typeof describeConfigs.request>
export type DescribeConfigsResponse = DecodedMessage<typeof describeConfigs.response>
export type DescribeConfigsResponseInput = EncodableMessage<typeof describeConfigs.response>
