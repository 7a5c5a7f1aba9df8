import { defineApi } from '../schema/api.ts'
import { array, int16, int32, int8, string } from '../schema/fields.ts'
import type { DecodedMessage, EncodableMessage } from '../schema/message.ts'

/** Elects partition leaders. */
export const electLeaders = defineApi({
  key: 43,
  name: 'ElectLeaders',
  versions: '0-2',
  flexible: '2+',
  request: {
    electionType: int8('1+'),
    topicPartitions: array('0+', {
      topic: string('0+', { entity: 'topicName' }),
      partitions: array('0+', 'int32')
    }, { nullable: '0+' }),
    timeoutMs: int32('0+', { default: 60000 })
  },
  response: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('1+'),
    replicaElectionResults: array('0+', {
      topic: string('0+', { entity: 'topicName' }),
      partitionResult: array('0+', {
        partitionId: int32('0+'),
        errorCode: int16('0+'),
        errorMessage: string('0+', { nullable: '0+' })
      })
    })
  }
})

export type ElectLeadersRequest = DecodedMessage<typeof electLeaders.request>
export type ElectLeadersRequestInput = EncodableMessage<typeof electLeaders.request>
export type ElectLeadersResponse = DecodedMessage<typeof electLeaders.response>
export type ElectLeadersResponseInput = EncodableMessage<typeof electLeaders.response>
