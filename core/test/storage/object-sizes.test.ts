import type { GetOptions, ObjectStore } from '@streambed/sdk'
import { MemoryObjectStore, testEnvironment } from '@streambed/sdk/testing'
import assert from 'node:assert/strict'
import { decodeIndex, encodeBlock, encodeFooter, encodeIndex, type BlockEntry } from '../../src/storage/object/object-format.ts'
import { ObjectReader } from '../../src/storage/object/object-reader.ts'

const environment = testEnvironment()
const { crc32c } = environment

/** An object of which all that was never written is zeros: its size costs nothing. */
class SparseObject extends MemoryObjectStore {
  readonly #pieces: ReadonlyArray<{ readonly at: number, readonly bytes: Uint8Array }>

  constructor (pieces: ReadonlyArray<{ readonly at: number, readonly bytes: Uint8Array }>) {
    super({ clock: environment.clock })
    this.#pieces = pieces
  }

  override async get (_key: string, { range }: GetOptions = {}): Promise<Uint8Array> {
    assert.ok(range !== undefined, 'an object of many gigabytes is never read whole')
    const found = new Uint8Array(range.end - range.start)
    for (const { at, bytes } of this.#pieces) {
      const from = Math.max(at, range.start)
      const to = Math.min(at + bytes.length, range.end)
      if (from < to) found.set(bytes.subarray(from - at, to - at), from - range.start)
    }
    return found
  }
}

describe('objects larger than 2^32 bytes', () => {
  for (const firstPosition of [2 ** 32 - 50, 2 ** 32, 2 ** 33 + 12_345, 2 ** 43]) {
    it(`blocks, index and footer from ${firstPosition} on are found`, async () => {
      const labels = ['first', 'second', 'third']
      let at = firstPosition
      const pieces: { readonly at: number, readonly bytes: Uint8Array }[] = []
      const place = (bytes: Uint8Array): void => {
        pieces.push({ at, bytes })
        at += bytes.length
      }
      const entries: BlockEntry[] = labels.map((label, index) => {
        const block = encodeBlock([{ baseOffset: index, count: 1, largestTimestamp: 7, bytes: Buffer.from(label.padEnd(100, '.')) }], crc32c)
        const entry = { streamId: 1, startOffset: index, endOffset: index + 1, position: at, size: block.size, largestTimestamp: 7, batchCount: 1 }
        place(Buffer.concat(block.pieces))
        return entry
      })
      const index = encodeIndex(entries, crc32c)
      assert.deepEqual(decodeIndex(index, '', crc32c), entries)
      const indexPosition = at
      place(index)
      place(encodeFooter({ objectId: 5, indexPosition, indexSize: index.length }, crc32c))
      const object = { objectId: 5, size: at, store: 'default' }
      const stores = new Map<string, ObjectStore>([['default', new SparseObject(pieces)]])
      for (const getBytesMax of [1, 2 ** 20]) {
        const reader = new ObjectReader(stores, environment, { blockCacheBytesMax: 2 ** 20, indexCacheBytesMax: 1, getBytesMax, onWasted: () => undefined, nameOf: String })
        const blocks = await reader.blocksOf(object, 1)
        assert.deepEqual(blocks, entries)
        reader.prefetch(object, blocks)
        const batches = await Promise.all(blocks.map(entry => reader.read(object, entry)))
        assert.deepEqual(batches.flat().map(({ bytes }) => Buffer.from(bytes).toString().replaceAll('.', '')), labels)
      }
    })
  }
})
