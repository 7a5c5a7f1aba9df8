import { defineApi } from '../schema/api.ts'
import { array, bool, int16, int32, int64, string } from '../schema/fields.ts'
import type { DecodedMessage, EncodableMessage } from '../schema/message.ts'

/** Sizes of partitions on a broker's disks. */
export const describeLogDirs = defineApi({
  key: 35,
  name: 'DescribeLogDirs',
  versions: '1-5',
  flexible: '2+',
  request: {
    topics: array('0+', {
      topic: string('0+', { entity: 'topicName' }),
      partitions: array('0+', 'int32')
    }, { nullable: '0+' })
  },
  response: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('3+', { ignorable: true }),
    results: array('0+', {
      errorCode: int16('0+'),
      logDir: string('0+'),
      topics: array('0+', {
        name: string('0+', { entity: 'topicName' }),
        partitions: array('0+', {
          partitionIndex: int32('0+'),
          partitionSize: int64('0+'),
          offsetLag: int64('0+'),
          isFutureKey: bool('0+')
        })
      }),
      totalBytes: int64('4+', { default: -1, ignorable: true }),
      usableBytes: int64('4+', { default: -1, ignorable: true }),
      isCordoned: bool('5+', { default: false, ignorable: true })
    })
  }
})

export type DescribeLogDirsRequest = DecodedMessage<typeof describeLogDirs.request>
export type DescribeLogDirsRequestInput = EncodableMessage<typeof describeLogDirs.request>
export type DescribeLogDirsResponse = DecodedMessage<typeof describeLogDirs.response>
export type DescribeLogDirsResponseInput = EncodableMessage<typeof describeLogDirs.response>
