import { int64Max } from '@streambed/sdk'
import { defineApi } from '../schema/api.ts'
import { array, int16, int32, int64, int8, records, string, struct, uuid, wideInt64 } from '../schema/fields.ts'
import type { DecodedMessage, EncodableMessage } from '../schema/message.ts'

/**
 * Record batches to read, by long poll. v7 brings sessions, v9 leader epochs, v11 racks, v12 tagged fields, v13 topic ids only,
 * v15 moves the replica id to a tag, v16 tells the new leader's endpoint.
 */
export const fetch = defineApi({
  key: 1,
  name: 'Fetch',
  versions: '4-18',
  flexible: '12+',
  request: {
    clusterId: string('12+', { nullable: '12+', default: null, ignorable: true, tag: 0 }),
    replicaId: int32('0-14', { default: -1, entity: 'brokerId' }),
    replicaState: struct('15+', {
      replicaId: int32('15+', { default: -1, entity: 'brokerId' }),
      replicaEpoch: wideInt64('15+', { default: -1 })
    }, { tag: 1 }),
    maxWaitMs: int32('0+'),
    minBytes: int32('0+'),
    maxBytes: int32('3+', { default: 0x7fff_ffff, ignorable: true }),
    isolationLevel: int8('4+', { default: 0, ignorable: true }),
    sessionId: int32('7+', { default: 0, ignorable: true }),
    sessionEpoch: int32('7+', { default: -1, ignorable: true }),
    topics: array('0+', {
      topic: string('0-12', { ignorable: true, entity: 'topicName' }),
      topicId: uuid('13+', { ignorable: true }),
      partitions: array('0+', {
        partition: int32('0+'),
        currentLeaderEpoch: int32('9+', { default: -1, ignorable: true }),
        fetchOffset: wideInt64('0+'),
        lastFetchedEpoch: int32('12+', { default: -1 }),
        logStartOffset: wideInt64('5+', { default: -1, ignorable: true }),
        partitionMaxBytes: int32('0+'),
        replicaDirectoryId: uuid('17+', { ignorable: true, tag: 0 }),
        highWatermark: wideInt64('18+', { default: int64Max, ignorable: true, tag: 1 })
      })
    }),
    forgottenTopicsData: array('7+', {
      topic: string('7-12', { ignorable: true, entity: 'topicName' }),
      topicId: uuid('13+', { ignorable: true }),
      partitions: array('7+', 'int32')
    }),
    rackId: string('11+', { default: '', ignorable: true })
  },
  response: {
    throttleTimeMs: int32('1+', { ignorable: true }),
    errorCode: int16('7+', { ignorable: true }),
    sessionId: int32('7+', { default: 0 }),
    responses: array('0+', {
      topic: string('0-12', { ignorable: true, entity: 'topicName' }),
      topicId: uuid('13+', { ignorable: true }),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
        highWatermark: int64('0+'),
        lastStableOffset: int64('4+', { default: -1, ignorable: true }),
        logStartOffset: int64('5+', { default: -1, ignorable: true }),
        divergingEpoch: struct('12+', {
          epoch: int32('12+', { default: -1 }),
          endOffset: int64('12+', { default: -1 })
        }, { tag: 0 }),
        currentLeader: struct('12+', {
          leaderId: int32('12+', { default: -1, entity: 'brokerId' }),
          leaderEpoch: int32('12+', { default: -1 })
        }, { tag: 1 }),
        snapshotId: struct('12+', {
          endOffset: int64('0+', { default: -1 }),
          epoch: int32('0+', { default: -1 })
        }, { tag: 2 }),
        abortedTransactions: array('4+', {
          producerId: int64('4+', { entity: 'producerId' }),
          firstOffset: int64('4+')
        }, { nullable: '4+', ignorable: true }),
        preferredReadReplica: int32('11+', { default: -1, entity: 'brokerId' }),
        records: records('0+', { nullable: '0+' })
      })
    }),
    nodeEndpoints: array('16+', {
      nodeId: int32('16+', { entity: 'brokerId' }),
      host: string('16+'),
      port: int32('16+'),
      rack: string('16+', { nullable: '16+', default: null })
    }, { tag: 0 })
  }
})

export type FetchRequest = DecodedMessage<typeof fetch.request>
export type FetchRequestInput = EncodableMessage<typeof fetch.request>
export type FetchResponse = DecodedMessage<typeof fetch.response>
export type FetchResponseInput = EncodableMessage<typeof fetch.response>
