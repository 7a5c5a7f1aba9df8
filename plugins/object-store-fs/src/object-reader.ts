import { throwIfAborted } from '@streambed/sdk'
import type { ByteRange, Environment, FileHandle } from '@streambed/sdk'
import { outOfRange } from './errors.ts'
import { blockBytes, blockCount, bodyPosition, checksumBytes, corrupt, decodeHeader, headerBytes, verifyBlocks } from './object-file.ts'
import type { ObjectFileHeader } from './object-file.ts'

/** The first read of a file: its header, and the checksums of a body of up to 16 MiB. */
const firstReadBytes = headerBytes + 1024

/** The header of the object of `key`. Rejects with NOT_FOUND. */
export async function readObjectHeader (environment: Environment, file: string, key: string): Promise<ObjectFileHeader> {
  const handle = await environment.fileSystem.open(file, 'read')
  try {
    const start = new Uint8Array(headerBytes)
    const count = await handle.read(start, 0)
    return decodeHeader(start.subarray(0, count), key, file, environment.crc32c)
  } finally {
    await handle.close()
  }
}

/** Bytes of the object of `key`: all, or `range`. Each block they lie in is verified. */
export async function readObject (
  environment: Environment, file: string, key: string, options: { readonly range?: ByteRange | undefined, readonly signal?: AbortSignal | undefined }
): Promise<Uint8Array> {
  const handle = await environment.fileSystem.open(file, 'read')
  try {
    const head = new Uint8Array(firstReadBytes)
    const headCount = await handle.read(head, 0)
    const header = decodeHeader(head.subarray(0, headCount), key, file, environment.crc32c)
    const start = options.range?.start ?? 0
    const end = Math.min(options.range?.end ?? header.size, header.size)
    if (start > header.size) throw outOfRange(key, start, header.size)
    if (start >= end) return new Uint8Array(0)
    throwIfAborted(options.signal)
    const firstBlock = Math.floor(start / blockBytes)
    const blocksStart = firstBlock * blockBytes
    const table = await readChecksums(handle, head.subarray(0, headCount), { start: firstBlock, end: blockCount(end) }, key, file)
    // Not zeroed: a read that does not fill it is refused.
    const blocks = new Uint8Array(Buffer.allocUnsafeSlow(Math.min(blockCount(end) * blockBytes, header.size) - blocksStart).buffer)
    const count = await handle.read(blocks, bodyPosition(header.size) + blocksStart)
    if (count < blocks.length) throw corrupt(`its file ends ${blocks.length - count} bytes too early`, key, file)
    verifyBlocks(blocks, firstBlock, table, key, file, environment.crc32c)
    return blocks.subarray(start - blocksStart, end - blocksStart)
  } finally {
    await handle.close()
  }
}

/** The checksums of the blocks `range`, out of `head`, the file's first bytes, where they are there. */
async function readChecksums (handle: FileHandle, head: Uint8Array, range: ByteRange, key: string, file: string): Promise<Uint8Array> {
  const start = headerBytes + range.start * checksumBytes
  const end = headerBytes + range.end * checksumBytes
  if (end <= head.length) return head.subarray(start, end)
  // The length comes from the file: what the file cannot hold is not allocated.
  if (end > await handle.size()) throw corrupt('its file ends within the table of checksums', key, file)
  const table = new Uint8Array(end - start)
  await handle.read(table, start)
  return table
}
