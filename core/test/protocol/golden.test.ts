import { strict as assert } from 'node:assert'
import {
  ApiKey, ControlType, KafkaErrorCode, ProtocolError, TimestampType, baseOffset, baseSequence, baseTimestamp, batchCrc, batchSize,
  attributes, coordinatorPartition, crc32c, decodeMarker, decodeRecords, decodeRequest, decodeRequestHeader, encodeBatch,
  encodeMarker, encodeRequest, encodeResponse, encodeUnsupportedApiVersions, isControl, isCrcValid, isRetriable, isTransactional,
  javaStringHash, kafkaErrorName, lastOffset, lastOffsetDelta, lastSequence, magic, maxTimestamp, murmur2, nextOffset,
  partitionForKey, partitionLeaderEpoch, patchBatch, patchTimestamps, producerEpoch, producerId, recordCount, timestampType
} from '../../src/protocol/index.ts'
import { crc32cPortable } from '../../src/protocol/records/crc32c.ts'

/** Hex with names beside it: everything in brackets is a remark. */
function hex (text: string): Buffer {
  return Buffer.from(text.replace(/\[[^\]]*\]/g, '').replace(/\s+/g, ''), 'hex')
}

const dataBatch = hex(`
  0000000000000000 [baseOffset 0]          00000046 [batchLength 70]       ffffffff [partitionLeaderEpoch −1]
  02 [magic]                               e7f6ad24 [crc]                  0000 [attributes]
  00000001 [lastOffsetDelta]               0000018bcfe56800 [baseTimestamp] 0000018bcfe56805 [maxTimestamp]
  ffffffffffffffff [producerId −1]         ffff [producerEpoch −1]         ffffffff [baseSequence −1]
  00000002 [recordCount]
  18 [length 12] 00 [attributes] 00 [timestampDelta 0] 00 [offsetDelta 0] 02 6b [key k] 02 76 [value v]
     02 [one header] 02 68 [key h] 02 31 [value 1]
  0e [length 7] 00 [attributes] 0a [timestampDelta 5] 02 [offsetDelta 1] 01 [null key] 02 77 [value w] 00 [no headers]`)

const commitMarker = hex(`
  0000000000000007 [baseOffset 7]          00000042 [batchLength 66]       00000002 [partitionLeaderEpoch 2]
  02 [magic]                               954be106 [crc]                  0030 [attributes: control, transactional]
  00000000 [lastOffsetDelta]               0000018bcfe56800 [baseTimestamp] 0000018bcfe56800 [maxTimestamp]
  00000000000003e8 [producerId 1000]       0000 [producerEpoch 0]          ffffffff [baseSequence −1]
  00000001 [recordCount]
  20 [length 16] 00 [attributes] 00 [timestampDelta] 00 [offsetDelta]
     08 0000 0001 [key: version 0, type COMMIT] 0c 0000 00000003 [value: version 0, coordinatorEpoch 3] 00 [no headers]`)

const timestamp = 1_700_000_000_000

describe('protocol golden bytes', () => {
  it('a data batch is read field by field', () => {
    assert.equal(dataBatch.length, 82)
    assert.deepEqual({
      baseOffset: baseOffset(dataBatch),
      size: batchSize(dataBatch),
      leaderEpoch: partitionLeaderEpoch(dataBatch),
      magic: magic(dataBatch),
      crc: batchCrc(dataBatch),
      attributes: attributes(dataBatch),
      lastOffsetDelta: lastOffsetDelta(dataBatch),
      lastOffset: lastOffset(dataBatch),
      nextOffset: nextOffset(dataBatch),
      baseTimestamp: baseTimestamp(dataBatch),
      maxTimestamp: maxTimestamp(dataBatch),
      producerId: producerId(dataBatch),
      producerEpoch: producerEpoch(dataBatch),
      baseSequence: baseSequence(dataBatch),
      lastSequence: lastSequence(dataBatch),
      recordCount: recordCount(dataBatch)
    }, {
      baseOffset: 0,
      size: 82,
      leaderEpoch: -1,
      magic: 2,
      crc: 0xe7f6ad24,
      attributes: 0,
      lastOffsetDelta: 1,
      lastOffset: 1,
      nextOffset: 2,
      baseTimestamp: timestamp,
      maxTimestamp: timestamp + 5,
      producerId: -1,
      producerEpoch: -1,
      baseSequence: -1,
      lastSequence: -1,
      recordCount: 2
    })
    assert.ok(isCrcValid(dataBatch))
    assert.deepEqual(decodeRecords(dataBatch, 1000).map(({ key, value, headers, ...rest }) =>
      ({ ...rest, key: key && String(key), value: String(value), headers: headers.map(header => [header.key, String(header.value)]) })), [
      { offset: 0, timestamp, key: 'k', value: 'v', headers: [['h', '1']] },
      { offset: 1, timestamp: timestamp + 5, key: null, value: 'w', headers: [] }
    ])
  })

  it('a data batch is built byte for byte', () => {
    assert.equal(encodeBatch([
      { key: Buffer.from('k'), value: Buffer.from('v'), headers: [{ key: 'h', value: Buffer.from('1') }] },
      { value: Buffer.from('w'), timestamp: timestamp + 5 }
    ], { timestamp }).toString('hex'), dataBatch.toString('hex'))
  })

  it('a COMMIT marker is read and built byte for byte', () => {
    assert.equal(commitMarker.length, 78)
    assert.ok(isCrcValid(commitMarker) && isControl(commitMarker) && isTransactional(commitMarker))
    assert.deepEqual(decodeMarker(commitMarker), { type: ControlType.Commit, coordinatorEpoch: 3 })
    assert.equal(encodeMarker({
      type: ControlType.Commit,
      coordinatorEpoch: 3,
      producerId: 1000,
      producerEpoch: 0,
      timestamp,
      baseOffset: 7,
      partitionLeaderEpoch: 2
    }).toString('hex'), commitMarker.toString('hex'))
    assert.throws(() => decodeMarker(dataBatch), { code: 'CORRUPT' })
  })

  it('offset and leader epoch are set in place and leave the CRC right, beyond 2^31 too', () => {
    const batch = Buffer.from(dataBatch)
    for (const offset of [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0x1_0000_0000, 2 ** 40 + 7, Number.MAX_SAFE_INTEGER - 1]) {
      patchBatch(batch, offset, 9)
      assert.equal(baseOffset(batch), offset)
      assert.equal(batch.readBigInt64BE(0), BigInt(offset))
      assert.equal(nextOffset(batch), offset + 2)
      assert.equal(partitionLeaderEpoch(batch), 9)
      assert.ok(isCrcValid(batch))
    }
  })

  it('log append time becomes the time of every record, under a new CRC', () => {
    const batch = Buffer.from(dataBatch)
    patchTimestamps(batch, TimestampType.LogAppendTime, timestamp + 1000)
    assert.ok(isCrcValid(batch))
    assert.equal(timestampType(batch), TimestampType.LogAppendTime)
    assert.deepEqual(decodeRecords(batch, 1000).map(record => record.timestamp), [timestamp + 1000, timestamp + 1000])
  })

  it('sequences go round after 2^31 − 1', () => {
    const batch = Buffer.from(dataBatch)
    batch.writeInt32BE(0x7fff_ffff, 53)
    assert.equal(lastSequence(batch), 0)
  })

  it('timestamps beyond 2^53 are exact', () => {
    const batch = Buffer.from(dataBatch)
    batch.writeBigInt64BE(2n ** 63n - 1n, 35)
    assert.equal(maxTimestamp(batch), 2n ** 63n - 1n)
    batch.writeBigInt64BE(-(2n ** 63n), 35)
    assert.equal(maxTimestamp(batch), -(2n ** 63n))
  })

  it('an ApiVersions request and the answer to an unknown version', () => {
    const request = hex('0000000b [size] 0012 [key 18] 0000 [version 0] 00000001 [correlation] 0001 78 [client id x]')
    assert.equal(encodeRequest(ApiKey.ApiVersions, 0, 1, 'x', {}).toString('hex'), request.toString('hex'))
    const decoded = decodeRequest(request.subarray(4))
    assert.deepEqual([decoded.apiKey, decoded.apiVersion, decoded.correlationId, decoded.clientId], [18, 0, 1, 'x'])

    const unknown = hex('0012 [key 18] 0009 [version 9] 00000001 [correlation] 0001 78 [client id] 00 [tags] ffff [who knows]')
    const { api, ...header } = decodeRequestHeader(unknown)
    assert.equal(api, undefined)
    assert.deepEqual(header, { apiKey: 18, apiVersion: 9, correlationId: 1, clientId: 'x', bodyPosition: 0 })
    assert.throws(() => decodeRequest(unknown), (error: unknown) => error instanceof ProtocolError && error.code === 'UNSUPPORTED')
    assert.equal(encodeUnsupportedApiVersions(1).toString('hex'),
      hex('00000010 [size] 00000001 [correlation] 0023 [UNSUPPORTED_VERSION] 00000001 [one key] 0012 0000 0004 [18, 0 to 4]').toString('hex'))
  })

  it('ApiVersions answers have no tags in their header, other flexible answers do', () => {
    assert.equal(encodeResponse(ApiKey.ApiVersions, 3, 5, { errorCode: 0, apiKeys: [] }).toString('hex'),
      hex('0000000c [size] 00000005 [correlation] 0000 [error] 01 [no keys] 00000000 [throttle] 00 [tags]').toString('hex'))
    assert.equal(encodeResponse(ApiKey.Heartbeat, 4, 5, { errorCode: 27 }).toString('hex'),
      hex('0000000c [size] 00000005 [correlation] 00 [tags] 00000000 [throttle] 001b [error] 00 [tags]').toString('hex'))
  })

  it('Long.MAX_VALUE is understood wherever clients send it', () => {
    const listOffsets = (at: bigint): Buffer => {
      const frame = encodeRequest(ApiKey.ListOffsets, 1, 1, null, {
        replicaId: -1, topics: [{ name: 't', partitions: [{ partitionIndex: 0, timestamp: 0 }] }]
      }).subarray(4)
      frame.writeBigInt64BE(at, frame.length - 8)
      return frame
    }
    const timestampOf = (at: bigint): number | bigint => {
      const request = decodeRequest(listOffsets(at))
      assert.ok(request.apiKey === ApiKey.ListOffsets)
      return request.body.topics[0]!.partitions[0]!.timestamp
    }
    assert.equal(timestampOf(-1n), -1)
    assert.equal(timestampOf(2n ** 63n - 1n), 2n ** 63n - 1n)
    assert.equal(timestampOf(-(2n ** 63n)), -(2n ** 63n))

    const deleteRecords = encodeRequest(ApiKey.DeleteRecords, 0, 1, null, {
      topics: [{ name: 't', partitions: [{ partitionIndex: 0, offset: 0 }] }], timeoutMs: 0
    }).subarray(4)
    deleteRecords.writeBigInt64BE(2n ** 63n - 1n, deleteRecords.length - 12)
    const decoded = decodeRequest(deleteRecords)
    assert.ok(decoded.apiKey === ApiKey.DeleteRecords)
    assert.equal(decoded.body.topics[0]!.partitions[0]!.offset, 2n ** 63n - 1n)
  })

  it('tagged fields that nobody knows are skipped, wherever they come', () => {
    const frame = hex(`000c [Heartbeat] 0004 [version 4] 00000001 [correlation] ffff [no client id] 01 63 02 abcd [tag 99 in the header]
      02 67 [group g] 00000005 [generation] 02 6d [member m] 00 [no instance] 02 05 00 [tag 5, empty] 8001 01 ff [tag 128]`)
    assert.deepEqual(decodeRequest(frame).body, { groupId: 'g', generationId: 5, memberId: 'm', groupInstanceId: null })
  })

  it('CRC-32C of the check string, by both ways', () => {
    const check = Buffer.from('123456789')
    assert.equal(crc32c(check), 0xe3069283)
    assert.equal(crc32cPortable(check), 0xe3069283)
    assert.equal(crc32c(check.subarray(4), crc32c(check.subarray(0, 4))), 0xe3069283)
    const large = Buffer.alloc(10_000, 'streambed')
    for (const size of [0, 1, 7, 8, 9, 199, 200, 201, 4096, 10_000]) {
      assert.equal(crc32c(large.subarray(0, size)), crc32cPortable(large.subarray(0, size)), `size ${size}`)
    }
    assert.equal(crc32c(large.subarray(333), crc32c(large.subarray(0, 333))), crc32c(large))
  })

  const murmurCases = [
    ['21', -973932308, 40],
    ['foobar', -790332482, 16],
    ['a-little-bit-long-string', -985981536, 12],
    ['a-little-bit-longer-string', -1486304829, 19],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971, 27],
    ['abc', 479470107, 7],
    ['', 275646681, 31]
  ] as const
  for (const [text, want, partition] of murmurCases) {
    it(`murmur2 of "${text}"`, () => {
      assert.equal(murmur2(Buffer.from(text)), want)
      assert.equal(partitionForKey(Buffer.from(text), 50), partition)
    })
  }

  const hashCases = [
    ['my-group', -1906497762, 12],
    ['console-consumer-12345', 158455506, 6],
    ['test', 3556498, 48],
    ['', 0, 0],
    ['polygenelubricants', -2147483648, 0],
    ['группа', 1749938458, 8]
  ] as const
  for (const [text, want, partition] of hashCases) {
    it(`Java string hash of "${text}"`, () => {
      assert.equal(javaStringHash(text), want)
      assert.equal(coordinatorPartition(text, 50), partition)
    })
  }

  it('error codes have names and a retriable flag', () => {
    assert.equal(KafkaErrorCode.CORRUPT_MESSAGE, 2)
    assert.equal(kafkaErrorName(27), 'REBALANCE_IN_PROGRESS')
    assert.equal(kafkaErrorName(9999), 'UNKNOWN_SERVER_ERROR')
    assert.deepEqual([2, 6, 16, 70, 133].map(isRetriable), [true, true, true, true, true])
    assert.deepEqual([-1, 0, 1, 10, 27, 87, 9999].map(isRetriable), [false, false, false, false, false, false, false])
    assert.equal(Object.keys(KafkaErrorCode).length, 138)
  })
})
