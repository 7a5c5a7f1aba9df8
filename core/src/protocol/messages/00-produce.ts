import { defineApi } from '../schema/api.ts'
import { array, int16, int32, int64, records, string, struct, uuid } from '../schema/fields.ts'
import type { DecodedMessage, EncodableMessage } from '../schema/message.ts'

/**
 * Record batches to append. v9 is flexible, v10 tells the new leader in errors, v12 registers partitions with a transaction,
 * v13 names topics by id. Versions 0–2 carry formats that nobody writes any more; they are still advertised, and refused
 * when they come, because old librdkafka turns compression off unless the advertised range holds 0.
 */
export const produce = defineApi({
  key: 0,
  name: 'Produce',
  versions: '3-13',
  flexible: '9+',
  advertisedMin: 0,
  request: {
    transactionalId: string('3+', { nullable: '3+', default: null, entity: 'transactionalId' }),
    acks: int16('0+'),
    timeoutMs: int32('0+'),
    topicData: array('0+', {
      name: string('0-12', { ignorable: true, entity: 'topicName' }),
      topicId: uuid('13+', { ignorable: true }),
      partitionData: array('0+', {
        index: int32('0+'),
        records: records('0+', { nullable: '0+' })
      })
    })
  },
  response: {
    responses: array('0+', {
      name: string('0-12', { ignorable: true, entity: 'topicName' }),
      topicId: uuid('13+', { ignorable: true }),
      partitionResponses: array('0+', {
        index: int32('0+'),
        errorCode: int16('0+'),
        baseOffset: int64('0+'),
        logAppendTimeMs: int64('2+', { default: -1, ignorable: true }),
        logStartOffset: int64('5+', { default: -1, ignorable: true }),
        recordErrors: array('8+', {
          batchIndex: int32('8+'),
          batchIndexErrorMessage: string('8+', { nullable: '8+', default: null })
        }, { ignorable: true }),
        errorMessage: string('8+', { nullable: '8+', default: null, ignorable: true }),
        currentLeader: struct('10+', {
          leaderId: int32('10+', { default: -1, entity: 'brokerId' }),
          leaderEpoch: int32('10+', { default: -1 })
        }, { tag: 0 })
      })
    }),
    throttleTimeMs: int32('1+', { default: 0, ignorable: true }),
    nodeEndpoints: array('10+', {
      nodeId: int32('10+', { entity: 'brokerId' }),
      host: string('10+'),
      port: int32('10+'),
      rack: string('10+', { nullable: '10+', default: null })
    }, { tag: 0 })
  }
})

export type ProduceRequest = DecodedMessage<typeof produce.request>
export type ProduceRequestInput = EncodableMessage<typeof produce.request>
export type ProduceResponse = DecodedMessage<typeof produce.response>
export type ProduceResponseInput = EncodableMessage<typeof produce.response>
