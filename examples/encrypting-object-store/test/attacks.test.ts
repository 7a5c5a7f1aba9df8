import assert from 'node:assert/strict'
import { pattern, rejectsWith, sameBytes } from '@streambed/conformance'
import type { EncryptingObjectStore } from '../src/encrypting-object-store.ts'
import { blockBytes, headerBytes, storedBlockBytes } from '../src/format.ts'
import { keyLine, overMemory } from './support.ts'

const size = 3 * blockBytes + 1000
const body = pattern(size)
/** One within each block, across the first two, and of what is at the end. */
const ranges = [{ start: 0, end: 10 }, { start: blockBytes - 1, end: blockBytes + 1 }, { start: 2 * blockBytes, end: 2 * blockBytes + 1 }, { start: 3 * blockBytes + 500, end: size }]

/** Bytes of the object that each attack leaves as they were; its other bytes must never be given out, nor anything in their place. */
const attacks: readonly { readonly name: string, readonly untouched?: (start: number, end: number) => boolean, readonly attack: (stored: Buffer, other: Buffer) => Buffer }[] = [
  ...[0, 5, 9, 30, 60, headerBytes, headerBytes + 100, storedBlockBytes - 1].map(at => ({
    name: `a changed bit at ${at} of block 1`,
    untouched: (start: number, end: number) => end <= blockBytes || start >= 2 * blockBytes,
    attack: (stored: Buffer) => { stored[storedBlockBytes + at]! ^= 1; return stored }
  })),
  { name: 'two blocks swapped', untouched: (start, end) => end <= blockBytes || start >= 3 * blockBytes, attack: stored => Buffer.concat([block(stored, 0), block(stored, 2), block(stored, 1), block(stored, 3)]) },
  { name: 'a block that is there twice', untouched: (_, end) => end <= blockBytes, attack: stored => Buffer.concat([block(stored, 0), block(stored, 0), block(stored, 1), block(stored, 2), block(stored, 3)]) },
  { name: 'a block cut out', untouched: (_, end) => end <= blockBytes, attack: stored => Buffer.concat([block(stored, 0), block(stored, 2), block(stored, 3)]) },
  { name: 'the last block cut off', untouched: (start, end) => end <= 3 * blockBytes && start < 3 * blockBytes, attack: stored => stored.subarray(0, 3 * storedBlockBytes) },
  { name: 'the last bytes cut off', untouched: (start, end) => end <= 3 * blockBytes && start < 3 * blockBytes, attack: stored => stored.subarray(0, stored.length - 1) },
  { name: 'all but the first block cut off', untouched: (_, end) => end <= blockBytes, attack: stored => stored.subarray(0, storedBlockBytes) },
  { name: 'everything cut off', attack: stored => stored.subarray(0, 0) },
  { name: 'a block put after the last', untouched: (_, end) => end <= 3 * blockBytes, attack: stored => Buffer.concat([stored, block(stored, 0)]) },
  { name: 'a block of another object under the same key', untouched: (start, end) => end <= blockBytes || start >= 2 * blockBytes, attack: (stored, other) => Buffer.concat([block(stored, 0), block(other, 1), block(stored, 2), block(stored, 3)]) },
  { name: "another object's bytes, whole", attack: (_, other) => other },
  { name: 'a size written smaller in every header', attack: stored => { for (let at = 56; at < stored.length; at += storedBlockBytes) stored.writeBigUInt64BE(5n, at); return stored } },
  {
    name: 'blocks cut off, and a size that fits written in every header',
    attack: stored => { const cut = stored.subarray(0, 2 * storedBlockBytes); for (let at = 56; at < cut.length; at += storedBlockBytes) cut.writeBigUInt64BE(BigInt(2 * blockBytes), at); return cut }
  },
  { name: 'bytes that were never encrypted', attack: () => Buffer.from(body) }
]

function block (stored: Buffer, number: number): Buffer { return stored.subarray(number * storedBlockBytes, (number + 1) * storedBlockBytes) }

describe('what somebody who can write to the bucket can do', () => {
  let store: EncryptingObjectStore
  let raw: ReturnType<typeof overMemory>['raw']
  beforeEach(async () => {
    ({ store, raw } = overMemory())
    await store.put('victim', body)
    await store.put('other', pattern(size, 9))
  })

  it('reading: no byte of a body is found in the bucket, and equal bodies look different', async () => {
    await store.put('text', Buffer.from('a secret that is long enough to be found'))
    await store.put('same', Buffer.from('a secret that is long enough to be found'))
    const [first, second] = [Buffer.from(await raw.get('text')), Buffer.from(await raw.get('same'))]
    assert.equal(first.includes('secret'), false)
    assert.notDeepEqual(first.subarray(headerBytes), second.subarray(headerBytes))
  })

  for (const { attack, name, untouched = () => false } of attacks) {
    it(`${name}: the whole is CORRUPT, and a range is what it was or CORRUPT`, async () => {
      await raw.put('victim', attack(Buffer.from(await raw.get('victim')), Buffer.from(await raw.get('other'))))
      await rejectsWith(store.get('victim'), 'CORRUPT', 'MISCONFIGURED', 'UNSUPPORTED')
      for (const range of ranges) {
        const { end, start } = range
        if (untouched(start, end)) sameBytes(await store.get('victim', { range }), body.subarray(start, end), `${start}-${end}`)
        else await rejectsWith(store.get('victim', { range }), 'CORRUPT', 'MISCONFIGURED', 'UNSUPPORTED')
      }
    })
  }

  it('the last block cut off: a range from there is CORRUPT, not "the end", though the store has no more', async () => {
    const aligned = pattern(2 * blockBytes)
    await store.put('aligned', aligned)
    await raw.put('aligned', (await raw.get('aligned')).subarray(0, storedBlockBytes))
    await rejectsWith(store.get('aligned', { range: { start: blockBytes, end: blockBytes + 1 } }), 'CORRUPT')
    await rejectsWith(store.get('aligned', { range: { start: blockBytes + 5, end: blockBytes + 6 } }), 'CORRUPT')
  })

  it('blocks of an older object of the same key, in the place of any of a large one, are CORRUPT', async () => {
    const blocks = 40
    await store.put('large', pattern(blocks * blockBytes))
    const old = Buffer.from(await raw.get('large'))
    await store.put('large', pattern(blocks * blockBytes, 2))
    const stored = Buffer.from(await raw.get('large'))
    for (let from = 1; from < blocks; from++) {
      await raw.put('large', Buffer.concat([stored.subarray(0, from * storedBlockBytes), old.subarray(from * storedBlockBytes)]))
      await rejectsWith(store.get('large'), 'CORRUPT')
    }
  })

  it('an object copied to another key is CORRUPT there', async () => {
    await raw.put('copied', await raw.get('victim'))
    await rejectsWith(store.get('copied'), 'CORRUPT')
    await rejectsWith(store.get('copied', { range: { start: 0, end: 1 } }), 'CORRUPT')
  })

  it('is not kept from it: an object taken away, an older one of the same key brought back, a size in a listing', async () => {
    const old = await raw.get('victim')
    await store.put('victim', pattern(10, 3))
    await raw.put('victim', old)
    sameBytes(await store.get('victim'), body)
    await raw.put('other', new Uint8Array(5000))
    assert.equal((await store.head('other')).size, 5000 - 80)
    await raw.delete(['victim'])
    await rejectsWith(store.get('victim'), 'NOT_FOUND')
  })

  it('objects of an older key are read as long as the ring has it; new ones have the first key', async () => {
    const { bucket, raw: shared, store: before } = overMemory(keyLine('k1', 1))
    await before.put('a', body)
    const { store: rotated } = overMemory(`${keyLine('k2', 2)}\n${keyLine('k1', 1)}\n`, bucket)
    await rotated.put('b', body)
    sameBytes(await rotated.get('a'), body)
    sameBytes(await rotated.get('b', { range: ranges[1]! }), body.subarray(ranges[1]!.start, ranges[1]!.end))
    assert.equal(Buffer.from(await shared.get('b')).toString('latin1', 8, 10), 'k2')
    const { store: without } = overMemory(keyLine('k2', 2), bucket)
    await assert.rejects(without.get('a'), { code: 'MISCONFIGURED', message: /keyId="k1"/ })
    const { store: impostor } = overMemory(keyLine('k1', 3), bucket)
    await rejectsWith(impostor.get('a'), 'CORRUPT')
  })
})
