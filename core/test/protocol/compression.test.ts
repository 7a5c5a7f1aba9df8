import { strict as assert } from 'node:assert'
import fc from 'fast-check'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { lz4Compress, snappyCompress } from '@platformatic/wasm-utils'
import { Compression, ProtocolError, compress, decompress } from '../../src/protocol/index.ts'
import { xxh32 } from '../../src/protocol/records/xxh32.ts'

const codecs = Object.entries(Compression).filter(([, codec]) => codec !== Compression.None)
const isCorrupt = (error: unknown): boolean => error instanceof ProtocolError && error.code === 'CORRUPT'

// Made by the lz4 command line tool 1.9.4 from "streambed streambed streambed streambed\n" unless said.
const lz4Frames: ReadonlyArray<readonly [string, string]> = [
  ['no content checksum', '04224d1860408214000000af73747265616d626564200a0006506d6265640a00000000'],
  ['a content checksum', '04224d186440a714000000af73747265616d626564200a0006506d6265640a00000000fc3372c6'],
  ['a content size', '04224d18684028000000000000007514000000af73747265616d626564200a0006506d6265640a00000000'],
  ['block checksums', '04224d187440bd14000000af73747265616d626564200a0006506d6265640a0cb6c56900000000fc3372c6'],
  ['linked blocks of 4 MiB', '04224d186440a714000000af73747265616d626564200a0006506d6265640a00000000fc3372c6'],
  ['256 KiB blocks', '04224d186440a714000000af73747265616d626564200a0006506d6265640a00000000fc3372c6']
]
const lz4Text = 'streambed streambed streambed streambed\n'

describe('protocol compression', () => {
  for (const [name, codec] of codecs) {
    it(`${name} comes back, at exactly the limit too`, () => {
      fc.assert(fc.property(fc.uint8Array({ maxLength: 5000 }), fc.nat(40), (bytes, repeats) => {
        const input = Buffer.concat(Array.from({ length: repeats + 1 }, () => bytes))
        const packed = compress(codec, input)
        assert.ok(Buffer.from(decompress(codec, packed, input.length)).equals(input))
      }), { numRuns: 60 })
    })

    it(`${name} of a bomb is refused before it is made`, () => {
      const packed = compress(codec, Buffer.alloc(50_000_000))
      const before = process.memoryUsage().arrayBuffers
      assert.throws(() => decompress(codec, packed, 1_000_000), isCorrupt)
      assert.throws(() => decompress(codec, packed, 49_999_999), isCorrupt)
      assert.ok(process.memoryUsage().arrayBuffers - before < 120_000_000)
      assert.equal(decompress(codec, packed, 50_000_000).length, 50_000_000)
    })

    it(`${name} of garbage, of nothing and of cut-off bytes is refused`, () => {
      fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), bytes => {
        try {
          assert.ok(decompress(codec, bytes, 10_000).length <= 10_000)
        } catch (error) {
          assert.ok(isCorrupt(error), String(error))
        }
      }), { numRuns: 2000 })
      assert.throws(() => decompress(codec, new Uint8Array(0), 100), isCorrupt)
      const packed = compress(codec, Buffer.alloc(200_000, 'some text that repeats, but not too much 0123456789'))
      for (let i = 1; i < 40; i++) {
        const cut = packed.subarray(0, Math.floor(packed.length * i / 40))
        assert.throws(() => decompress(codec, cut, 1_000_000), isCorrupt, `cut at ${i}/40`)
      }
    })

    it(`${name} of changed bytes is refused or stays within the limit`, () => {
      const packed = compress(codec, Buffer.alloc(3000, 'some text that repeats'))
      fc.assert(fc.property(fc.nat(packed.length - 1), fc.nat(255), (at, byte) => {
        const changed = Buffer.from(packed)
        changed[at] = byte
        try {
          assert.ok(decompress(codec, changed, 5000).length <= 5000)
        } catch (error) {
          assert.ok(isCorrupt(error), String(error))
        }
      }), { numRuns: 2000 })
    })
  }

  for (const [name, codec] of codecs) {
    it(`${name} of broken bytes never reaches a library that cannot bear them, and whole ones are read afterwards`, () => {
      const text = Buffer.from(Array.from({ length: 3_000 }, (_, index) => index % 7 === 0 ? index ** 3 % 251 : 97 + index % 11))
      const packed = compress(codec, text)
      fc.assert(fc.property(fc.array(fc.tuple(fc.nat(packed.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }), fc.nat(packed.length), (changes, cut) => {
        const changed = Buffer.from(packed.subarray(0, cut % 3 === 0 ? cut : packed.length))
        for (const [at, byte] of changes) if (at < changed.length) changed[at] = byte
        try {
          assert.ok(decompress(codec, changed, 100_000).length <= 100_000)
        } catch (error) {
          assert.ok(isCorrupt(error), String(error))
          // A trap of the library would be a cause: it leaks.
          assert.notEqual(((error as Error).cause as Error | undefined)?.name, 'RuntimeError')
        }
      }), { numRuns: 20_000 })
      assert.ok(Buffer.from(decompress(codec, packed, 100_000)).equals(text))
    }).timeout(60_000)
  }

  it('xxh32 agrees with its specification', () => {
    // Made by xxhsum -H0 0.8.1.
    for (const [text, sum] of [['', 0x02cc5d05], ['a', 0x550d7456], ['abc', 0x32d153ff], ['Nobody inspects the spammish repetition', 0xe2293b2f]] as const) {
      const bytes = Buffer.from(text)
      assert.equal(xxh32(bytes, 0, bytes.length), sum)
    }
  })

  it('a snappy block that says it is empty is nothing else', () => {
    assert.equal(decompress(Compression.Snappy, Buffer.from([0]), 10).length, 0)
    assert.throws(() => decompress(Compression.Snappy, Buffer.from([0, 0, 0x61]), 10), isCorrupt)
  })

  it('xerial framing of a version that Java refuses is refused', () => {
    const packed = Buffer.from(compress(Compression.Snappy, Buffer.from('text')))
    packed.writeInt32BE(0, 8)
    assert.throws(() => decompress(Compression.Snappy, packed, 10), isCorrupt)
  })

  it('lz4 frames are read whatever the size of their blocks, block by block too', () => {
    const text = Buffer.alloc(9 * 2 ** 20, 'some text that repeats, but not too much 0123456789')
    const packed = lz4Compress(text)
    assert.ok(Buffer.from(decompress(Compression.Lz4, packed, text.length)).equals(text))
  })

  it('several gzip members are read as one', () => {
    const packed = Buffer.concat([gzipSync('one '), gzipSync('two')])
    assert.equal(String(decompress(Compression.Gzip, packed, 7)), 'one two')
    assert.throws(() => decompress(Compression.Gzip, packed, 6), isCorrupt)
  })

  it('several zstd frames are read as one', () => {
    const packed = Buffer.concat([zstdCompressSync('one '), zstdCompressSync('two')])
    assert.equal(String(decompress(Compression.Zstd, packed, 7)), 'one two')
    assert.throws(() => decompress(Compression.Zstd, packed, 6), isCorrupt)
    const skippable = Buffer.from('502a4d1802000000ffff', 'hex')
    assert.equal(String(decompress(Compression.Zstd, Buffer.concat([skippable, packed]), 7)), 'one two')
    assert.throws(() => decompress(Compression.Zstd, Buffer.concat([packed, Buffer.alloc(9)]), 7), isCorrupt)
  })

  it('a bare snappy block is read as well as a framed one', () => {
    const packed = snappyCompress(Buffer.from('streambed streambed streambed'))
    assert.equal(String(decompress(Compression.Snappy, packed, 100)), 'streambed streambed streambed')
    assert.throws(() => decompress(Compression.Snappy, packed, 28), isCorrupt)
  })

  it('a framed snappy block that Java wrote is read', () => {
    // Magic, version 1, compatible 1, then one block of 7 bytes: size 5, a literal of 5.
    const packed = Buffer.from('82534e4150505900' + '00000001' + '00000001' + '00000007' + '0510' + Buffer.from('hello').toString('hex'), 'hex')
    assert.equal(String(decompress(Compression.Snappy, packed, 5)), 'hello')
  })

  it('a snappy block that claims four gigabytes is refused', () => {
    assert.throws(() => decompress(Compression.Snappy, Buffer.from('ffffffff0f' + '00', 'hex'), Number.MAX_SAFE_INTEGER), isCorrupt)
  })

  for (const [name, frame] of lz4Frames) {
    it(`lz4 frame with ${name}`, () => {
      const bytes = Buffer.from(frame, 'hex')
      assert.equal(String(decompress(Compression.Lz4, bytes, lz4Text.length)), lz4Text)
      assert.equal(String(decompress(Compression.Lz4, bytes, 1_000_000)), lz4Text)
      assert.throws(() => decompress(Compression.Lz4, bytes, lz4Text.length - 1), isCorrupt)
      assert.throws(() => decompress(Compression.Lz4, Buffer.concat([bytes, Buffer.alloc(1)]), 1000), isCorrupt)
    })
  }

  it('an lz4 frame with a wrong header checksum is refused', () => {
    const frame = Buffer.from(lz4Compress(Buffer.from(lz4Text)))
    frame[6] = frame[6]! ^ 0xff
    assert.throws(() => decompress(Compression.Lz4, frame, 1000), isCorrupt)
  })

  it('codecs that nobody has defined are refused', () => {
    for (const codec of [5, 6, 7, -1]) {
      assert.throws(() => decompress(codec, new Uint8Array(1), 100), { code: 'UNSUPPORTED' })
      assert.throws(() => compress(codec, new Uint8Array(1)), { code: 'UNSUPPORTED' })
    }
  })
})
