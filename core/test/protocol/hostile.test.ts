import { strict as assert } from 'node:assert'
import fc from 'fast-check'
import { ApiKey, ProtocolError, apiTable, decodeRequest, decodeRequestHeader, decodeResponse, encodeRequest, encodeResponse } from '../../src/protocol/index.ts'
import type { Api } from '../../src/protocol/index.ts'
import { decodeConsumerOffsetsRecord } from '../../src/protocol/internal-records/consumer-offsets.ts'
import { arbitraryMessage } from './arbitrary-messages.ts'

// Cases in all; STREAMBED_HOSTILE_RUNS=5000000 for a long look.
const runs = Number(process.env['STREAMBED_HOSTILE_RUNS'] ?? 300_000)
const seed = Number(process.env['STREAMBED_HOSTILE_SEED'] ?? 20260823)

/** Small, fast and repeatable; fast-check makes the frames, this changes them. */
function randomFrom (start: number): (below: number) => number {
  let state = start >>> 0
  return below => {
    state = state + 0x6d2b79f5 >>> 0
    let mixed = Math.imul(state ^ state >>> 15, state | 1)
    mixed ^= mixed + Math.imul(mixed ^ mixed >>> 7, mixed | 61)
    return ((mixed ^ mixed >>> 14) >>> 0) % below
  }
}

// Lengths and counts that have broken decoders before.
const nasty = [0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0xffff_fffe, 0x0100_0000, 0x7fff, 0x8000, 0xffff, 0, 1]

/** Changes up to four places, and now and then the size. */
function mutate (frame: Buffer, random: (below: number) => number): Buffer {
  const out = Buffer.from(frame)
  for (let n = 1 + random(4); n > 0 && out.length > 0; n--) {
    const at = random(out.length)
    const kind = random(4)
    if (kind === 0) out[at] = random(256)
    else if (kind === 1) out[at] = (out[at] as number) ^ 1 << random(8)
    else if (kind === 2 && at + 4 <= out.length) out.writeUInt32BE(nasty[random(nasty.length)] as number, at)
    else if (at + 5 <= out.length) out.write('ffffffff0f', at, 'hex')
  }
  const kind = random(8)
  if (kind === 0) return out.subarray(0, random(out.length + 1))
  if (kind === 1) return Buffer.concat([out, out.subarray(0, random(out.length + 1))])
  return out
}

/**
 * Values that a decoded message holds, as a measure of what was allocated for it. A decoder that believes a count has
 * far more of them than the frame has bytes.
 */
function countElements (value: unknown): number {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return 0
  let count = 0
  for (const inner of Array.isArray(value) ? value : Object.values(value)) count += (Array.isArray(value) ? 1 : 0) + countElements(inner)
  return count
}

function attempt (frame: Buffer, decode: () => unknown, what: string): boolean {
  try {
    const elements = countElements(decode())
    assert.ok(elements <= frame.length, `${what}: ${elements} elements from ${frame.length} bytes`)
    return true
  } catch (error) {
    if (error instanceof ProtocolError && error.code !== 'UNENCODABLE') return false
    throw new Error(`${what} seed=${seed} frame=${frame.toString('hex')}`, { cause: error })
  }
}

interface Case {
  readonly api: Api
  readonly version: number
  readonly requests: readonly Buffer[]
  readonly responses: readonly Buffer[]
}

function buildCases (samples: number): readonly Case[] {
  const cases: Case[] = []
  for (const api of apiTable) {
    const key = api.key as ApiKey
    for (let version = api.versionMin; version <= api.versionMax; version++) {
      const requests = fc.sample(arbitraryMessage(api.request, version), { numRuns: samples, seed })
      const responses = fc.sample(arbitraryMessage(api.response, version), { numRuns: samples, seed })
      cases.push({
        api,
        version,
        requests: requests.map(body => encodeRequest(key, version, 1, 'client', body as Parameters<typeof encodeRequest<ApiKey>>[4]).subarray(4)),
        responses: responses.map(body => encodeResponse(key, version, 1, body as Parameters<typeof encodeResponse<ApiKey>>[3]).subarray(4))
      })
    }
  }
  return cases
}

describe('protocol and hostile bytes', () => {
  const cases = buildCases(12)
  const runsEach = Math.ceil(runs / cases.length / 3)

  it(`changed frames of every API and version throw nothing but a ProtocolError (${runsEach * cases.length * 2} cases)`, () => {
    const random = randomFrom(seed)
    let decoded = 0
    for (const { api, version, requests, responses } of cases) {
      const what = `${api.name} v${version}`
      for (let i = 0; i < runsEach; i++) {
        const request = mutate(requests[i % requests.length] as Buffer, random)
        if (attempt(request, () => decodeRequest(request).body, `${what} request`)) decoded++
        const response = mutate(responses[i % responses.length] as Buffer, random)
        if (attempt(response, () => decodeResponse(api.key as ApiKey, version, response).body, `${what} response`)) decoded++
      }
    }
    // Mutations that only ever fail would test little behind the first field.
    assert.ok(decoded > runsEach * cases.length * 0.1, `decoded=${decoded}`)
  })

  it(`random bytes behind the header of every API and version throw nothing but a ProtocolError (${runsEach * cases.length} cases)`, () => {
    const random = randomFrom(seed + 1)
    const frame = Buffer.alloc(256)
    for (const { api, version } of cases) {
      for (let i = 0; i < runsEach; i++) {
        const size = 8 + random(120)
        // Small bytes make more plausible lengths.
        const below = random(2) === 0 ? 256 : 6
        for (let at = 0; at < size; at++) frame[at] = random(below)
        frame.writeInt16BE(api.key, 0)
        frame.writeInt16BE(version, 2)
        frame.writeInt16BE(-1, 8)
        const bytes = frame.subarray(0, size)
        attempt(bytes, () => decodeRequest(bytes).body, `${api.name} v${version} request`)
        attempt(bytes, () => decodeResponse(api.key as ApiKey, version, bytes).body, `${api.name} v${version} response`)
      }
    }
  })

  it('headers of any bytes tell what they can or throw a ProtocolError', () => {
    const random = randomFrom(seed + 2)
    for (let i = 0; i < 50_000; i++) {
      const frame = Buffer.from(Array.from({ length: random(24) }, () => random(random(2) === 0 ? 3 : 256)))
      attempt(frame, () => decodeRequestHeader(frame).clientId, 'header')
    }
  })

  it('consumer offsets records of any bytes throw nothing but a ProtocolError', () => {
    const random = randomFrom(seed + 3)
    for (let i = 0; i < 50_000; i++) {
      const key = Buffer.from([0, random(4), ...Array.from({ length: random(30) }, () => random(4))])
      const value = Buffer.from([0, random(6), ...Array.from({ length: random(60) }, () => random(random(2) === 0 ? 4 : 256))])
      attempt(value, () => decodeConsumerOffsetsRecord(key, value).kind, 'consumer offsets')
    }
  })

  it('a count beyond the bytes left is refused before anything is allocated', () => {
    // Metadata v1: null client id, then a count of two billion topics and nothing behind it.
    const frame = Buffer.from('0003' + '0001' + '00000001' + 'ffff' + '7fffffff', 'hex')
    const before = process.memoryUsage().heapUsed
    for (let i = 0; i < 1000; i++) assert.throws(() => decodeRequest(frame), { code: 'CORRUPT', message: /array longer than the bytes left/ })
    assert.ok(process.memoryUsage().heapUsed - before < 64 * 1024 * 1024)
  })

  it('more array elements than a request may have are refused', () => {
    const frame = encodeRequest(ApiKey.Metadata, 1, 1, null, { topics: Array.from({ length: 101 }, () => ({ name: '' })) }).subarray(4)
    assert.throws(() => decodeRequest(frame, 100), { code: 'CORRUPT' })
    assert.ok(decodeRequest(frame, 101))
  })

  it('a tagged field that is shorter or longer than its size is refused', () => {
    // Fetch v12 carries the cluster id as tag 0, at the end of the request.
    const frame = encodeRequest(ApiKey.Fetch, 12, 1, null, { maxWaitMs: 0, minBytes: 0, clusterId: 'abc', topics: [] }).subarray(4)
    const sizeAt = frame.length - 5
    assert.equal(frame.subarray(sizeAt).toString('hex'), '04' + '04' + '616263')
    for (const size of [0, 1, 3]) {
      const changed = Buffer.concat([frame, Buffer.alloc(10)])
      changed[sizeAt] = size
      assert.throws(() => decodeRequest(changed), { code: 'CORRUPT' }, `size ${size}`)
    }
    const longer = Buffer.concat([frame, Buffer.alloc(10)])
    longer[sizeAt] = 5
    assert.throws(() => decodeRequest(longer), { code: 'CORRUPT', message: /another size/ })
  })

  it('a tag section that claims four billion tags ends with its bytes', () => {
    const frame = Buffer.from('000c' + '0004' + '00000001' + 'ffff' + 'ffffffff0f' + '0000'.repeat(1000), 'hex')
    assert.throws(() => decodeRequest(frame), { code: 'CORRUPT' })
  })
})

describe('protocol encoders and wrong values', () => {
  const heartbeat = { groupId: 'g', generationId: 1, memberId: 'm' }
  const wrong: ReadonlyArray<readonly [string, object]> = [
    ['a missing field', { groupId: 'g', generationId: 1 }],
    ['null where a value must be', { ...heartbeat, memberId: null }],
    ['a fraction', { ...heartbeat, generationId: 1.5 }],
    ['an int32 that is too large', { ...heartbeat, generationId: 0x8000_0000 }],
    ['a number for a string', { ...heartbeat, memberId: 5 }],
    ['a string longer than 32767 bytes', { ...heartbeat, memberId: 'ä'.repeat(16_384) }],
    ['a field that the version lacks and that must not be dropped', { ...heartbeat, groupInstanceId: 'i' }]
  ]
  for (const [name, body] of wrong) {
    it(`${name} is refused`, () => {
      assert.throws(() => encodeRequest(ApiKey.Heartbeat, 0, 1, null, body as typeof heartbeat), { name: 'ProtocolError', code: 'UNENCODABLE' })
    })
  }

  it('a field that the version lacks is dropped when it is ignorable or has its default', () => {
    assert.ok(encodeRequest(ApiKey.Heartbeat, 0, 1, null, { ...heartbeat, groupInstanceId: null }))
    assert.ok(encodeResponse(ApiKey.Heartbeat, 0, 1, { errorCode: 0, throttleTimeMs: 5 }))
  })

  it('an encoder that failed leaves nothing behind for the next message', () => {
    const good = encodeRequest(ApiKey.Heartbeat, 4, 1, null, heartbeat).toString('hex')
    assert.throws(() => encodeRequest(ApiKey.Heartbeat, 4, 1, null, { ...heartbeat, generationId: Number.NaN }))
    assert.equal(encodeRequest(ApiKey.Heartbeat, 4, 1, null, heartbeat).toString('hex'), good)
  })
})
