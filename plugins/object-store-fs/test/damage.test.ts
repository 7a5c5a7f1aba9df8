import { pattern, rejectsWith, sameBytes } from '@streambed/conformance'
import { crc32c } from '@streambed/sdk'
import type { ObjectStore } from '@streambed/sdk'
import { testEnvironment } from '@streambed/sdk/testing'
import assert from 'node:assert/strict'
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { blockBytes, bodyPosition, headerBytes } from '../src/object-file.ts'
import { compareUtf8, decodeSegment, encodeSegment, pathNamesOf } from '../src/key-path.ts'
import plugin from '../src/index.ts'

describe('object-store-fs: damage', () => {
  let folder: string
  let store: ObjectStore
  const file = (name: string): string => path.join(folder, 'objects', name)

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'streambed-os-'))
    store = await plugin.open({ path: folder }, testEnvironment())
  })
  after(async () => {
    await store.close()
    await rm(folder, { recursive: true })
  })

  it('any flipped bit of an object is CORRUPT, with key and file', async () => {
    await store.put('small', pattern(100))
    const sound = await readFile(file('small@object'))
    for (let bit = 0; bit < sound.length * 8; bit++) {
      const bytes = Buffer.from(sound)
      bytes[bit >> 3]! ^= 1 << (bit & 7)
      await writeFile(file('small@object'), bytes)
      const error = await rejectsWith(store.get('small'), 'CORRUPT')
      assert.match(error.message, /key=small path=.*small@object/)
    }
    await store.delete(['small'])
  })

  it('an object cut anywhere is CORRUPT', async () => {
    await store.put('cut', pattern(200))
    const sound = await readFile(file('cut@object'))
    for (let size = 0; size < sound.length; size++) {
      await writeFile(file('cut@object'), sound.subarray(0, size))
      await rejectsWith(store.get('cut'), 'CORRUPT')
    }
    await store.delete(['cut'])
    await store.put('long', pattern(20 * 2 ** 20))
    await writeFile(file('long@object'), (await readFile(file('long@object'))).subarray(0, headerBytes + 1100))
    await rejectsWith(store.get('long'), 'CORRUPT')
    await store.delete(['long'])
  })

  it('a ranged read notices damage in the blocks it touches, and reads the others', async () => {
    const body = pattern(4 * blockBytes)
    await store.put('ranged', body)
    const bytes = await readFile(file('ranged@object'))
    bytes[bodyPosition(body.length) + 2 * blockBytes + 77]! ^= 4
    await writeFile(file('ranged@object'), bytes)
    for (const [start, end] of [[2 * blockBytes, 2 * blockBytes + 1], [0, body.length], [3 * blockBytes - 1, 3 * blockBytes + 1]] as const) {
      await rejectsWith(store.get('ranged', { range: { start, end } }), 'CORRUPT')
    }
    for (const [start, end] of [[0, 2 * blockBytes], [3 * blockBytes, body.length]] as const) {
      sameBytes(await store.get('ranged', { range: { start, end } }), body.subarray(start, end))
    }
    await store.delete(['ranged'])
  })

  it('the object of another key, and a newer format, are refused', async () => {
    await store.put('one', pattern(10))
    await copyFile(file('one@object'), file('two@object'))
    await rejectsWith(store.get('two'), 'CORRUPT')
    assert.deepEqual((await store.list('two')).objects.map(({ key }) => key), ['two'], 'a listing shows what is there')
    const bytes = await readFile(file('one@object'))
    bytes.writeUInt16BE(9, 4)
    bytes.writeUInt32BE(crc32c(bytes.subarray(0, 60)), 60)
    await writeFile(file('one@object'), bytes)
    assert.match((await rejectsWith(store.get('one'), 'UNSUPPORTED')).message, /format 9.*reads 1/)
    await store.delete(['one', 'two'])
  })

  it('foreign names are passed over by a listing', async () => {
    await store.put('ours', pattern(1))
    for (const name of ['.DS_Store', 'Upper@object', '%zz@object', '%ff@object', '@object']) await writeFile(file(name), 'x')
    for (const name of ['lost+found', 'x@other']) await mkdir(file(name))
    assert.deepEqual((await store.list('')).objects.map(({ key }) => key), ['ours'])
  })

  it('a golden object file', async () => {
    const environment = { ...testEnvironment(), random: { fraction: () => 0, bytes: (count: number) => new Uint8Array(count).fill(0xab) } }
    const golden = await plugin.open({ path: path.join(folder, 'golden') }, environment)
    await golden.put('a/b', Buffer.from('hello'))
    const bytes = await readFile(path.join(folder, 'golden/objects/a/b@object'))
    await golden.close()
    const fields = [
      '53424f42', '0001', '0000', // magic, format
      '00010000', '00000000', // block size
      '0000000000000005', // size
      '0000019b76daa800', // modified
      'ab'.repeat(16), // token
      'fb0b40a3', '0000000000000000' // CRC-32C of the key
    ].join('')
    assert.equal(bytes.subarray(0, 60).toString('hex'), fields)
    assert.equal(bytes.subarray(64).toString('hex'), '9a71bb4c' + Buffer.from('hello').toString('hex'))
  })
})

describe('object-store-fs: names', () => {
  const cases = [
    { key: 'plain-key_0.x', names: ['plain-key_0.x@object'] },
    { key: 'A/b c/%', names: ['%41', 'b%20c', '%25@object'] },
    { key: 'é', names: ['%c3%a9@object'] },
    { key: 'x'.repeat(200), names: ['x'.repeat(200) + '@object'] },
    { key: `${'x'.repeat(201)}/y`, names: ['x'.repeat(200) + '@more', 'x', 'y@object'] }
  ]
  for (const { key, names } of cases) it(`of ${key.slice(0, 20)}`, () => { assert.deepEqual(pathNamesOf(key), names) })

  it('decode to what they encode, and only from the one way of writing', () => {
    for (const segment of ['a', 'A', 'é', '\u{1f600}', ' .-_~', '%41']) assert.equal(decodeSegment(encodeSegment(segment)), segment)
    for (const name of ['', 'A', '%41%', '%4', '%61', '%C3%A9', '%ff', 'a b']) assert.equal(decodeSegment(name), undefined, name)
    assert.ok(compareUtf8('\uffee', '\u{10000}') < 0)
  })
})
