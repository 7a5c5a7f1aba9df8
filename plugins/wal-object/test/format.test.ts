import assert from 'node:assert/strict'
import { StreambedError, crc32c } from '@streambed/sdk'
import { MemoryObjectMedium, MemoryObjectStore } from '@streambed/sdk/testing'
import plugin from '../src/index.ts'
import { decodeHeader, decodeRecords, encodeSlot, headerBytes, type SlotHeader } from '../src/format.ts'
import { Keys } from '../src/keys.ts'
import { defaultOptions, optionsSchema } from '../src/options.ts'
import { bench, openWal, recovered, writerOf } from './support.ts'

const header: SlotHeader = {
  kind: 'records',
  clusterId: 'c-1',
  nodeId: 7,
  token: Uint8Array.from({ length: 16 }, (_, n) => 0xa0 + n),
  writerEpoch: 5,
  id: { epoch: 5, slot: 0x1234 },
  knownBefore: 0x1230,
  trimmed: 99,
  firstNeeded: { epoch: 4, slot: 3 },
  firstPosition: 2 ** 33 + 1,
  recordCount: 2,
  bodyBytes: 5
}
const records = [[Buffer.from('ab')], [Buffer.from('c'), Buffer.from('de')]]

async function codeOf (pending: Promise<unknown>): Promise<string> {
  try { await pending } catch (error) { return StreambedError.is(error) ? error.code : String(error) }
  return 'resolved'
}

describe('a slot', () => {
  it('has the bytes that docs/formats/wal-object.md says', () => {
    const bytes = Buffer.from(encodeSlot(header, records, crc32c))
    assert.equal(bytes.length, headerBytes + 2 * 8 + 5)
    assert.equal(bytes.subarray(0, 109).toString('hex'), [
      '53424f57', '0100', '0100', // SBOW, format 1, kind records
      '07000000', '02000000', // node, count of records
      'a0a1a2a3a4a5a6a7a8a9aaabacadaeaf', // token
      '0500000000000000', // writer epoch
      '0600000000000000', '3412000000000000', // epoch + 1, slot
      '3012000000000000', // known before
      '6400000000000000', // trimmed + 1
      '0500000000000000', '0300000000000000', // first needed: epoch + 1, slot
      '0100000002000000', // first position
      '0500000000000000', // bytes of the records
      '0300', Buffer.from('c-1').toString('hex')
    ].join(''))
    assert.equal(bytes.readUInt32LE(252), crc32c(bytes.subarray(0, 252)))
    assert.equal(bytes.readUInt32LE(256), 2)
    assert.equal(bytes.readUInt32LE(260), crc32c(Buffer.from('ab')))
    assert.equal(bytes.subarray(272).toString(), 'abcde')
    assert.deepEqual(decodeHeader(bytes, 'key', crc32c), header)
    assert.deepEqual([...decodeRecords(bytes, header, 'key', crc32c)].map(record => Buffer.from(record).toString()), ['ab', 'cde'])
  })

  it('with any bit of it changed is never read as something else', () => {
    const good = encodeSlot(header, records, crc32c)
    for (let bit = 0; bit < good.length * 8; bit++) {
      const bytes = good.slice()
      bytes[bit >>> 3]! ^= 1 << (bit & 7)
      assert.throws(() => { for (const record of decodeRecords(bytes, decodeHeader(bytes, 'key', crc32c), 'key', crc32c)) assert.ok(record.length > 0) },
        (error: unknown) => StreambedError.is(error, 'CORRUPT'), `bit ${bit}`)
    }
    for (let size = 0; size < good.length; size++) {
      const bytes = good.subarray(0, size)
      assert.throws(() => Array.from(decodeRecords(bytes, decodeHeader(bytes, 'key', crc32c), 'key', crc32c)), (error: unknown) => StreambedError.is(error, 'CORRUPT'), `size ${size}`)
    }
  })

  it('of a later format is refused as such', () => {
    const bytes = Buffer.from(encodeSlot(header, records, crc32c))
    bytes.writeUInt16LE(2, 4)
    bytes.writeUInt32LE(crc32c(bytes.subarray(0, 252)), 252)
    assert.throws(() => decodeHeader(bytes, 'key', crc32c), (error: unknown) => StreambedError.is(error, 'UNSUPPORTED'))
  })
})

describe('a damaged log', () => {
  async function filled (): Promise<{ readonly medium: MemoryObjectMedium, readonly keys: string[] }> {
    const { clock, environment } = bench('damaged')
    const medium = new MemoryObjectMedium()
    const wal = await openWal(new MemoryObjectStore({ clock, medium }), environment, 1)
    for (let n = 0; n < 30; n++) await wal.append([Buffer.from(`record ${n}`)])
    await wal.close()
    return { medium, keys: medium.sortedKeys('logs/one/slots/') }
  }

  async function openAndRecover (medium: MemoryObjectMedium): Promise<string> {
    const { clock, environment } = bench('damaged')
    return await codeOf((async () => {
      const wal = await openWal(new MemoryObjectStore({ clock, medium }), environment, 2)
      try { await recovered(wal) } finally { await wal.close() }
    })())
  }

  it('is refused wherever an object is missing before the last', async () => {
    for (let hole = 0; hole < 29; hole++) {
      const { keys, medium } = await filled()
      medium.objects.delete(keys[hole]!)
      assert.equal(await openAndRecover(medium), 'CORRUPT', `without ${hole}`)
    }
  })

  it('is refused wherever an object is changed', async () => {
    for (let damaged = 0; damaged < 30; damaged++) {
      const { keys, medium } = await filled()
      const bytes = medium.objects.get(keys[damaged]!)!.bytes
      bytes[bytes.length - 1]! ^= 1
      assert.equal(await openAndRecover(medium), 'CORRUPT', `damaged ${damaged}`)
    }
  })

  it('is refused when an object is one of the same place but of another history', async () => {
    const { keys, medium } = await filled()
    const { bytes } = medium.objects.get(keys[10]!)!
    const other = decodeHeader(bytes, keys[10]!, crc32c)
    medium.store(keys[10]!, encodeSlot({ ...other, firstPosition: other.firstPosition + 1 }, [[Buffer.from('record 10')]], crc32c), 0)
    assert.equal(await openAndRecover(medium), 'CORRUPT')
  })

  it('is refused when its last two objects are exchanged', async () => {
    const { keys, medium } = await filled()
    const [a, b] = [medium.objects.get(keys[28]!)!, medium.objects.get(keys[29]!)!]
    medium.store(keys[28]!, b.bytes, 0)
    medium.store(keys[29]!, a.bytes, 0)
    assert.equal(await openAndRecover(medium), 'CORRUPT')
  })

  it('is refused when two objects in its middle are exchanged', async () => {
    const { keys, medium } = await filled()
    const [a, b] = [medium.objects.get(keys[10]!)!, medium.objects.get(keys[11]!)!]
    medium.store(keys[10]!, b.bytes, 0)
    medium.store(keys[11]!, a.bytes, 0)
    assert.equal(await openAndRecover(medium), 'CORRUPT')
  })

  it('is refused when an object stands where another one was put', async () => {
    const { keys, medium } = await filled()
    medium.store(medium.sortedKeys('logs/one/claims/')[0]!, medium.objects.get(keys[3]!)!.bytes, 0)
    assert.equal(await openAndRecover(medium), 'CORRUPT')
  })

  it('is not taken for a log when something else lies there', async () => {
    const { medium } = await filled()
    medium.store('logs/one/slots/readme.txt', new Uint8Array(3), 0)
    assert.equal(await openAndRecover(medium), 'MISCONFIGURED')
  })
})

describe('keys', () => {
  it('spread over the store by a hash of cluster and node', () => {
    const prefixes = Array.from({ length: 64 }, (_, nodeId) => new Keys(defaultOptions.prefix, { ...writerOf(1), nodeId }, crc32c).claimsPrefix)
    assert.equal(new Set(prefixes).size, 64)
    assert.ok(new Set(prefixes.map(prefix => prefix.slice(4, 6))).size > 40, 'two digits already differ')
    assert.match(prefixes[7]!, /^wal\/[0-9a-f]{8}\/cluster-a\/7\/claims\/$/)
  })

  it('can be made of every cluster id, and of no two the same', () => {
    const ids = ['.', '..', 'a/b', 'a%2Fb', 'ä', 'a b', '*', '{node}', '$&']
    const prefixes = ids.map(clusterId => new Keys('{cluster}', { ...writerOf(1), clusterId }, crc32c).slotsPrefix)
    assert.equal(new Set(prefixes).size, ids.length)
  })
})

describe('options', () => {
  it('have the defaults that are written down', () => {
    assert.deepEqual(optionsSchema.parse({}), defaultOptions)
    assert.deepEqual(Object.keys(plugin.optionDocs).sort(), Object.keys(optionsSchema.shape).sort())
  })

  it('take units', () => {
    const { batchIntervalMsMax, capacity } = optionsSchema.parse({ capacity: '1GiB', batchIntervalMsMax: '1s' })
    assert.deepEqual({ batchIntervalMsMax, capacity }, { batchIntervalMsMax: 1_000, capacity: 2 ** 30 })
  })

  for (const { input, message } of [
    { input: { prefix: '/a' }, message: /beginning of a key/ },
    { input: { prefix: 'a/' }, message: /beginning of a key/ },
    { input: { prefix: '' }, message: /beginning of a key/ },
    { input: { prefix: 'a/{nodes}' }, message: /only \{hash\}/ },
    { input: { capacity: '1MiB' }, message: /expected 4194304/ },
    { input: { capacity: '4GB' }, message: /expected bytes/ },
    { input: { uploadsMax: 0 }, message: /uploadsMax/ },
    { input: { hedgeShareMax: 0.6 }, message: /hedgeShareMax/ },
    { input: { fsync: true }, message: /fsync/ }
  ]) {
    it(`refuse ${JSON.stringify(input)}`, () => { assert.match(JSON.stringify(optionsSchema.safeParse(input).error?.issues), message) })
  }
})
