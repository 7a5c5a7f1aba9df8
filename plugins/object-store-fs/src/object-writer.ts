import { StreambedError, throwIfAborted } from '@streambed/sdk'
import type { Environment, FileHandle, FileSystem, ObjectBody } from '@streambed/sdk'
import { BlockChecksums, blockBytes, bodyPosition, encodeHeader, tokenBytes } from './object-file.ts'
import type { ObjectFileHeader } from './object-file.ts'
import { alignUp, bodySize, padded, Runs } from './runs.ts'

/** How much is checksummed before other work gets a turn. */
const turnBytes = 64 * blockBytes
/** How much is made durable at once: a log on the same disk waits behind no more than this. */
const syncBytes = 4 * 1024 * 1024
/** A smaller object is not worth the padding. */
const directBytesMin = 1024 * 1024

interface Target {
  readonly handle: FileHandle
  /** Writes go past the page cache, and must be whole multiples of `alignmentBytes`. */
  readonly isDirect: boolean
}

/**
 * Makes `file`, which must not exist, an object's file with the bytes of `body` (pieces that together hold `size` bytes).
 * Durable when it resolves, if `isDurable`, but for its name in the folder. When it rejects, the file may exist in part.
 *
 * With direct access, what of the body lies before the first multiple of the alignment is written last, with the header.
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
  const { handle, isDirect } = await create(environment.fileSystem, file, options.isDurable && size >= directBytesMin)
  try {
    const bodyStart = bodyPosition(size)
    const firstRunAt = isDirect ? alignUp(bodyStart) : bodyStart
    const runs = new Runs(firstRunAt - bodyStart)
    let position = firstRunAt
    let unsynced = 0
    const write = async (run: readonly Uint8Array[]): Promise<void> => {
      throwIfAborted(options.signal)
      if (options.isDurable && !isDirect && unsynced >= syncBytes) {
        await handle.datasync()
        unsynced = 0
      }
      await handle.write(isDirect ? padded(run) : run, position)
      const written = bodySize(run)
      position += written
      unsynced += written
    }
    for await (const part of body) {
      const pieces = part instanceof Uint8Array ? [part] : part
      await checksum(environment, checksums, pieces)
      for (const run of runs.add(pieces)) await write(run)
    }
    const last = runs.takeRest()
    if (last.length > 0) await write(last)
    await handle.write([encodeHeader(header, key, environment.crc32c), checksums.table, ...runs.first], 0)
    if (isDirect) await handle.truncate(bodyStart + size)
    throwIfAborted(options.signal)
    if (options.isDurable) await handle.datasync()
  } finally {
    await handle.close()
  }
  return header
}

/**
 * A large object goes past the page cache where the file system can: copying it there costs the processor more than writing it does,
 * and drives out what others read.
 */
async function create (fileSystem: FileSystem, file: string, isLarge: boolean): Promise<Target> {
  if (!isLarge) return { handle: await fileSystem.open(file, 'createNew'), isDirect: false }
  try {
    return { handle: await fileSystem.open(file, 'createNew', { direct: true }), isDirect: true }
  } catch (error) {
    if (!StreambedError.is(error, 'UNSUPPORTED')) throw error
    // Linux has made the file before it finds that it cannot open it so.
    return { handle: await fileSystem.open(file, 'create'), isDirect: false }
  }
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
