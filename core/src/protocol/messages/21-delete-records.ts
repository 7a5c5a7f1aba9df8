import { defineApi } from '../schema/api.ts'
import { array, int16, int32, int64, string, wideInt64 } from '../schema/fields.ts'
import type { DecodedMessage, EncodableMessage } from '../schema/message.ts'

/** Moves the log start offset of partitions forward; −1 means to the high watermark. */
export const deleteRecords = defineApi({
  key: 21,
  name: 'DeleteRecords',
  versions: '0-2',
  flexible: '2+',
  request: {
    topics: array('0+', {
      name: string('0+', { entity: 'topicName' }),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        offset: wideInt64('0+')
      })
    }),
    timeoutMs: int32('0+')
  },
  response: {
    throttleTimeMs: int32('0+'),
    topics: array('0+', {
      name: string('0+', { entity: 'topicName' }),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        lowWatermark: int64('0+'),
        errorCode: int16('0+')
      })
    })
  }
})

export type DeleteRecordsRequest = DecodedMessage<typeof deleteRecords.request>
export type DeleteRecordsRequestInput = EncodableMessage<typeof deleteRecords.request>
export type DeleteRecordsResponse = DecodedMessage<typeof deleteRecords.response>
export type DeleteRecordsResponseInput = EncodableMessage<typeof deleteRecords.response>
