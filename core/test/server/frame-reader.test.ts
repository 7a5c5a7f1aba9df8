import assert from 'node:assert/strict'
import fc from 'fast-check'
import { FrameReader } from '../../src/protocol/frame-reader.ts'

function framesOf (pieces: readonly Uint8Array[], frameBytesMax = 1 << 20): { readonly frames: string[], readonly isSound: boolean, readonly held: number } {
  const frames: string[] = []
  const reader = new FrameReader({ frameBytesMax, onFrame: frame => frames.push(Buffer.from(frame).toString('hex')) })
  const isSound = pieces.every(piece => reader.push(piece))
  return { frames, isSound, held: reader.heldBytes }
}

function framed (body: Uint8Array): Buffer {
  const size = Buffer.alloc(4)
  size.writeInt32BE(body.length)
  return Buffer.concat([size, body])
}

describe('frame reader', () => {
  it('gives the same frames however the bytes are cut', () => {
    fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 10 }), fc.array(fc.nat(30), { maxLength: 40 }), (bodies, cuts) => {
      const bytes = Buffer.concat(bodies.map(framed))
      const pieces: Uint8Array[] = []
      let at = 0
      for (const cut of cuts) {
        pieces.push(bytes.subarray(at, at + cut))
        at = Math.min(bytes.length, at + cut)
      }
      pieces.push(bytes.subarray(at))
      assert.deepEqual(framesOf(pieces), { frames: bodies.map(body => Buffer.from(body).toString('hex')), isSound: true, held: 0 })
    }))
  })

  it('refuses negative sizes and sizes over the limit, also when the size itself comes in pieces', () => {
    assert.equal(framesOf([Buffer.from([0xff, 0xff, 0xff, 0xff])]).isSound, false)
    assert.equal(framesOf([Buffer.from([0, 0]), Buffer.from([0, 11])], 10).isSound, false)
    assert.equal(framesOf([Buffer.from([0, 0, 0, 10])], 10).isSound, true)
  })

  it('a claimed size is believed only as its bytes come', () => {
    const claim = Buffer.from([0x06, 0x40, 0, 0])
    assert.equal(framesOf([claim, Buffer.alloc(10)], 0x0640_0000).held, 2 ** 20)
    assert.equal(framesOf([claim, Buffer.alloc(5 * 2 ** 20)], 0x0640_0000).held <= 10 * 2 ** 20, true)
  })

  it('a size as large as one that has come in full is believed at once', () => {
    const large = framed(Buffer.alloc(3 * 2 ** 20))
    assert.equal(framesOf([large.subarray(0, 10), large.subarray(10), large.subarray(0, 10)], 2 ** 22).held, 3 * 2 ** 20)
    const larger = framed(Buffer.alloc(4 * 2 ** 20))
    assert.equal(framesOf([large.subarray(0, 10), large.subarray(10), larger.subarray(0, 10)], 2 ** 22).held, 3 * 2 ** 20)
  })

  it('frames do not change with the memory that they came in', () => {
    const buffer = Buffer.from([0, 0, 0, 2, 1, 2])
    const frames: Uint8Array[] = []
    const reader = new FrameReader({ frameBytesMax: 10, onFrame: frame => frames.push(frame) })
    reader.push(buffer)
    reader.push(buffer.subarray(0, 5))
    buffer.fill(9)
    reader.push(Buffer.from([7]))
    assert.deepEqual(frames.map(frame => [...frame]), [[1, 2], [1, 7]])
  })
})
