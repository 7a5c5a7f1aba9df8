import { lz4Compress, snappyCompress } from '@platformatic/wasm-utils'
import { constants, gzipSync, zstdCompressSync } from 'node:zlib'
import { asBuffer } from '../primitives/buffer-view.ts'
import { unsupported } from '../protocol-error.ts'
import { Compression } from './batch-header.ts'
import type { Decompressed } from './decompressed.ts'
import { decompressGzip } from './gzip.ts'
import { decompressLz4Frame } from './lz4.ts'
import { decompressSnappy, wrapXerial } from './snappy.ts'
import { decompressZstdFrames } from './zstd.ts'

/**
 * Decompresses the records of a batch with the codec of its attributes. Never makes more than `sizeMax` bytes: what
 * would become larger is refused, as garbage is, with CORRUPT (TooLargeError). An unknown codec is UNSUPPORTED.
 * The result is new memory, except with Compression.None, where it is `bytes`.
 */
export function decompress (codec: number, bytes: Uint8Array, sizeMax: number): Uint8Array {
  return decompressFramed(codec, bytes, sizeMax).bytes
}

/** As `decompress`, and says whether every client can read what it read. */
export function decompressFramed (codec: number, bytes: Uint8Array, sizeMax: number): Decompressed {
  switch (codec) {
    case Compression.None: return { bytes, isPlain: true }
    case Compression.Gzip: return decompressGzip(bytes, sizeMax)
    case Compression.Snappy: return { bytes: decompressSnappy(bytes, sizeMax), isPlain: true }
    case Compression.Lz4: return decompressLz4Frame(bytes, sizeMax)
    case Compression.Zstd: return decompressZstdFrames(bytes, sizeMax)
    default: throw unsupported(`no such compression codec. codec=${codec}`)
  }
}

/** Compresses records as Kafka's own producer would: gzip members, xerial snappy, lz4 and zstd frames. */
export function compress (codec: number, bytes: Uint8Array): Uint8Array {
  switch (codec) {
    case Compression.None: return bytes
    case Compression.Gzip: return gzipSync(bytes)
    case Compression.Snappy: return wrapXerial(bytes, block => snappyCompress(asBuffer(block)))
    case Compression.Lz4: return bytes.length === 0 ? emptyLz4Frame : lz4Compress(asBuffer(bytes))
    case Compression.Zstd: return zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 3 } })
    default: throw unsupported(`no such compression codec. codec=${codec}`)
  }
}

// Magic, flags (version 1, independent blocks), 64 KiB blocks, header checksum, end mark.
const emptyLz4Frame = Buffer.from('04224d18604082' + '00000000', 'hex')
