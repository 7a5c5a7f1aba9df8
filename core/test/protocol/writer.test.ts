import assert from 'node:assert/strict'
import { Writer } from '../../src/protocol/primitives/writer.ts'

/** Each primitive, with the bytes it takes. */
const writes: Readonly<Record<string, { readonly write: (writer: Writer) => void, readonly hex: string }>> = {
  bool: { write: writer => writer.bool(true), hex: '01' },
  int8: { write: writer => writer.int8(-2), hex: 'fe' },
  int16: { write: writer => writer.int16(0x0102), hex: '0102' },
  uint16: { write: writer => writer.uint16(0xfffe), hex: 'fffe' },
  int32: { write: writer => writer.int32(0x01020304), hex: '01020304' },
  uint32: { write: writer => writer.uint32(0xfffefdfc), hex: 'fffefdfc' },
  int64: { write: writer => writer.int64(-1), hex: 'ffffffffffffffff' },
  float64: { write: writer => writer.float64(1), hex: '3ff0000000000000' },
  uuid: { write: writer => writer.uuid('AAAAAAAAAAAAAAAAAAAAAQ'), hex: '00000000000000000000000000000001' },
  varint: { write: writer => writer.unsignedVarint(300), hex: 'ac02' },
  string: { write: writer => writer.string('ab'), hex: '00026162' },
  compactString: { write: writer => writer.compactString('ab'), hex: '036162' }
}

describe('writer', () => {
  for (const [name, { hex, write }] of Object.entries(writes)) {
    // A resize between taking the view and writing to it lost a request larger than the buffer before.
    it(`${name} is written whole wherever the buffer has to grow`, () => {
      for (let before = 0; before <= 16; before++) {
        const writer = new Writer(16)
        writer.raw(Buffer.alloc(before, 0xaa))
        write(writer)
        assert.equal(writer.finish().toString('hex'), 'aa'.repeat(before) + hex, `after ${before} bytes`)
      }
    })
  }
})
