import { strict as assert } from 'node:assert'
import fc from 'fast-check'
import {
  ApiKey, apiTable, decodeRequest, decodeResponse, encodeFetchResponse, encodeRequest, encodeResponse, encodeResponseChunks
} from '../../src/protocol/index.ts'
import type { Api, ProduceRequestInput } from '../../src/protocol/index.ts'
import { Reader } from '../../src/protocol/primitives/reader.ts'
import { arbitraryMessage, comparable } from './arbitrary-messages.ts'

type AnyRequest = Parameters<typeof encodeRequest<ApiKey>>[4]
type AnyResponse = Parameters<typeof encodeResponse<ApiKey>>[3]

function versionsOf (api: Api): readonly number[] {
  return Array.from({ length: api.versionMax - api.versionMin + 1 }, (_, i) => api.versionMin + i)
}

describe('protocol round trips', () => {
  for (const api of apiTable) {
    const key = api.key as ApiKey

    it(`${api.name} requests decode to what was encoded, in every version`, () => {
      for (const version of versionsOf(api)) {
        fc.assert(fc.property(arbitraryMessage(api.request, version), fc.integer(), fc.option(fc.string()), (body, correlationId, clientId) => {
          const frame = encodeRequest(key, version, correlationId, clientId, body as AnyRequest)
          assert.equal(frame.readInt32BE(0), frame.length - 4)
          const decoded = decodeRequest(frame.subarray(4))
          assert.deepEqual({ ...decoded, body: undefined }, { apiKey: key, apiVersion: version, correlationId, clientId, body: undefined })
          assert.deepEqual(comparable(decoded.body), comparable(body))
        }), { numRuns: 25 })
      }
    })

    it(`${api.name} responses decode to what was encoded, in every version`, () => {
      for (const version of versionsOf(api)) {
        fc.assert(fc.property(arbitraryMessage(api.response, version), fc.integer(), (body, correlationId) => {
          const frame = encodeResponse(key, version, correlationId, body as AnyResponse)
          assert.equal(frame.readInt32BE(0), frame.length - 4)
          const decoded = decodeResponse(key, version, frame.subarray(4))
          assert.equal(decoded.correlationId, correlationId)
          assert.deepEqual(comparable(decoded.body), comparable(body))
          assert.deepEqual(Buffer.concat(encodeResponseChunks(key, version, correlationId, body as AnyResponse)), frame)
        }), { numRuns: 25 })
      }
    })
  }

  it('Produce requests read by hand are what the table reads', () => {
    const api = apiTable.find(({ key }) => key === ApiKey.Produce)!
    for (const version of versionsOf(api)) {
      fc.assert(fc.property(arbitraryMessage(api.request, version), body => {
        const frame = encodeRequest(ApiKey.Produce, version, 7, 'c', body as unknown as ProduceRequestInput).subarray(4)
        const fast = decodeRequest(frame).body
        const headerSize = version >= api.flexibleFrom ? 12 : 11
        assert.deepEqual(fast, api.request.decode(new Reader(frame, headerSize), version))
      }), { numRuns: 100 })
    }
  })

  it('Produce requests that are cut off or changed fail by hand exactly where they fail by table', () => {
    const api = apiTable.find(({ key }) => key === ApiKey.Produce)!
    const outcome = (run: () => unknown): unknown => {
      try {
        return comparable(run())
      } catch (error) {
        return (error as Error).name
      }
    }
    for (const version of versionsOf(api)) {
      fc.assert(fc.property(arbitraryMessage(api.request, version), fc.nat(), fc.nat(255), fc.boolean(), (body, place, byte, cut) => {
        const frame = Buffer.from(encodeRequest(ApiKey.Produce, version, 7, 'c', body as unknown as ProduceRequestInput).subarray(4))
        const headerSize = version >= api.flexibleFrom ? 12 : 11
        const at = headerSize + place % Math.max(1, frame.length - headerSize)
        if (!cut && at < frame.length) frame[at] = byte
        const changed = cut ? frame.subarray(0, at) : frame
        assert.deepEqual(outcome(() => decodeRequest(changed).body), outcome(() => api.request.decode(new Reader(changed, headerSize), version)))
      }), { numRuns: 200 })
    }
  })

  it('record chunks of a Fetch response are handed on, not copied', () => {
    const first = Buffer.from('first')
    const second = Buffer.from('second')
    const body = {
      responses: [{
        topic: 't',
        partitions: [
          { partitionIndex: 0, errorCode: 0, highWatermark: 5, records: [first, second] },
          { partitionIndex: 1, errorCode: 0, highWatermark: 5, records: [] },
          { partitionIndex: 2, errorCode: 0, highWatermark: 5, records: null },
          { partitionIndex: 3, errorCode: 0, highWatermark: 5, records: second }
        ]
      }]
    }
    for (const version of [4, 11, 12]) {
      const chunks = encodeFetchResponse(version, 1, body)
      // Only flexible versions have anything, tag sections, after the last records.
      assert.equal(chunks.length, version >= 12 ? 6 : 5)
      assert.equal(chunks[1], first)
      assert.equal(chunks[2], second)
      assert.equal(chunks[4], second)
      const { body: decoded } = decodeResponse(ApiKey.Fetch, version, Buffer.concat(chunks).subarray(4))
      assert.deepEqual(decoded.responses[0]!.partitions.map(({ records }) => records === null ? null : String(records)), ['firstsecond', '', null, 'second'])
    }
  })
})
