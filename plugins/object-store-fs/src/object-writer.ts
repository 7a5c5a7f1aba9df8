import { throwIfAborted } from '@streambed/sdk'
import type { Environment, ObjectBody } from '@streambed/sdk'
import { BlockChecksums, blockBytes, bodyPosition, encodeHeader, tokenBytes } from './object-file.ts'
import type { ObjectFileHeader } from './object-file.ts'

/** How much is checksummed before other work gets a turn. */
const turnBytes = 64 * blockBytes
/**
 * How much is written, and made durable, at once: a log on the same disk waits behind no more than this. One write of a
 * whole upload held produce requests up for as long as the disk took for all of it.
 */
const writeBytes = 1024 * 1024
const syncBytes = 4 * 1024 * 1024

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
    let unsynced = 0
    for await (const part of body) {
      const pieces = part instanceof Uint8Array ? [part] : part
      await checksum(environment, checksums, pieces)
      for (const slice of slices(pieces)) {
        throwIfAborted(options.signal)
        if (options.isDurable && unsynced >= syncBytes) {
          await handle.datasync()
          unsynced = 0
        }
        await handle.write(slice, position)
        const written = bodySize(slice)
        position += written
        unsynced += written
      }
    }
    await handle.write([encodeHeader(header, key, environment.crc32c), checksums.table], 0)
    throwIfAborted(options.signal)
    if (options.isDurable) await handle.datasync()
  } finally {
    await handle.close()
  }
  return header
}

/** The pieces in order, cut and gathered into runs of at most `writeBytes`. */
function * slices (pieces: readonly Uint8Array[]): Generator<readonly Uint8Array[]> {
  let run: Uint8Array[] = []
  let room = writeBytes
  for (const piece of pieces) {
    for (let at = 0; at < piece.length;) {
      const taken = piece.subarray(at, at + room)
      run.push(taken)
      at += taken.length
      room -= taken.length
      if (room > 0) continue
      yield run
      run = []
      room = writeBytes
    }
  }
  if (run.length > 0) yield run
}

async function checksum (environment: Environment, checksums: BlockChecksums, pieces: readonly Uint8Array[]): Promise<void> {
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
  }
}

export function bodySize (body: ObjectBody): number {
  if (body instanceof Uint8Array) return body.length
  let size = 0
  for (const piece of body) size += piece.length
  return size
}
