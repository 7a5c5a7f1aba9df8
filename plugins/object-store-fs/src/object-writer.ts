import { throwIfAborted } from '@streambed/sdk'
import type { Environment, ObjectBody } from '@streambed/sdk'
import { BlockChecksums, blockBytes, bodyPosition, encodeHeader, tokenBytes } from './object-file.ts'
import type { ObjectFileHeader } from './object-file.ts'

/** How much is checksummed before other work gets a turn. */
const turnBytes = 64 * blockBytes

/**
 * Makes `file`, which must not exist, an object's file with the bytes of `body` (pieces that together hold `size` bytes).
 * Durable when it resolves, if `isDurable`, but for its name in the folder. When it rejects, the file may exist in part.
 */
export async function writeObjectFile (
  environment: Environment, file: string, key: string, size: number, body: AsyncIterable<ObjectBody> | Iterable<ObjectBody>,
  options: { readonly isDurable: boolean, readonly signal?: AbortSignal | undefined }
): Promise<ObjectFileHeader> {
  const header = {
    size,
    modifiedMs: environment.clock.wallMs(),
    token: Buffer.from(environment.random.bytes(tokenBytes)).toString('hex')
  }
  const checksums = new BlockChecksums(size, environment.crc32c)
  const handle = await environment.fileSystem.open(file, 'createNew')
  try {
    let position = bodyPosition(size)
    for await (const part of body) {
      const pieces = part instanceof Uint8Array ? [part] : part
      const partSize = await checksum(environment, checksums, pieces)
      throwIfAborted(options.signal)
      await handle.write(pieces, position)
      position += partSize
    }
    await handle.write([encodeHeader(header, key, environment.crc32c), checksums.table], 0)
    throwIfAborted(options.signal)
    if (options.isDurable) await handle.datasync()
  } finally {
    await handle.close()
  }
  return header
}

async function checksum (environment: Environment, checksums: BlockChecksums, pieces: readonly Uint8Array[]): Promise<number> {
  let size = 0
  let sinceTurn = 0
  for (const piece of pieces) {
    for (let at = 0; at < piece.length; at += turnBytes) {
      const slice = piece.subarray(at, at + turnBytes)
      if (sinceTurn + slice.length > turnBytes && sinceTurn > 0) {
        await environment.yieldTurn()
        sinceTurn = 0
      }
      checksums.add(slice)
      sinceTurn += slice.length
    }
    size += piece.length
  }
  return size
}

export function bodySize (body: ObjectBody): number {
  if (body instanceof Uint8Array) return body.length
  let size = 0
  for (const piece of body) size += piece.length
  return size
}
