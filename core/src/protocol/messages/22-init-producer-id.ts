import { defineApi } from '../schema/api.ts'
import { int16, int32, int64, string, wideInt64 } from '../schema/fields.ts'
import type { DecodedMessage, EncodableMessage } from '../schema/message.ts'

/** Gives out producer ids and epochs. v3 lets a producer bump its own epoch. v6 is unstable in Kafka and not spoken here. */
export const initProducerId = defineApi({
  key: 22,
  name: 'InitProducerId',
  versions: '0-5',
  flexible: '2+',
  request: {
    transactionalId: string('0+', { nullable: '0+', entity: 'transactionalId' }),
    transactionTimeoutMs: int32('0+'),
    producerId: wideInt64('3+', { default: -1, entity: 'producerId' }),
    producerEpoch: int16('3+', { default: -1 })
  },
  response: {
    throttleTimeMs: int32('0+', { ignorable: true }),
    errorCode: int16('0+'),
    producerId: int64('0+', { default: -1, entity: 'producerId' }),
    producerEpoch: int16('0+')
  }
})

export type InitProducerIdRequest = DecodedMessage<typeof initProducerId.request>
export type InitProducerIdRequestInput = EncodableMessage<typeof initProducerId.request>
export type InitProducerIdResponse = DecodedMessage<typeof initProducerId.response>
export type InitProducerIdResponseInput = EncodableMessage<typeof initProducerId.response>
