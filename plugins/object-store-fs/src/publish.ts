import { StreambedError, throwIfAborted } from '@streambed/sdk'
import type { Environment, FileSystem } from '@streambed/sdk'
import path from 'node:path'
import { outcomeUnknown } from './errors.ts'
import type { DurableFolders } from './folders.ts'
import type { ObjectFileHeader } from './object-file.ts'
import { readObjectHeader } from './object-reader.ts'

const attemptsMax = 10

export interface Publication {
  /** A finished, durable file. It is gone afterwards, or is another name of the object. */
  readonly temporary: string
  readonly file: string
  readonly key: string
  readonly header: ObjectFileHeader
  readonly ifAbsent: boolean
  readonly signal?: AbortSignal | undefined
}

/** Gives a finished file the name of its object: atomically, and durable when it resolves. */
export async function publish (environment: Environment, folders: DurableFolders, publication: Publication): Promise<void> {
  const { fileSystem } = environment
  const folder = path.dirname(publication.file)
  await name(environment, folders, publication, folder)
  try {
    await syncIfThere(fileSystem, folder)
  } catch (error) {
    throw outcomeUnknown(error, `put of ${publication.key}`)
  }
}

/** Without its folder the object, too, is gone again: deleted by somebody else. */
async function syncIfThere (fileSystem: FileSystem, folder: string): Promise<void> {
  try {
    await fileSystem.syncDirectory(folder)
  } catch (error) {
    if (!StreambedError.is(error, 'NOT_FOUND')) throw error
  }
}

async function name (environment: Environment, folders: DurableFolders, publication: Publication, folder: string): Promise<void> {
  const { fileSystem } = environment
  const { temporary, file, key, signal } = publication
  for (let attempt = 1; ; attempt++) {
    try {
      await folders.ensure(folder)
    } catch (error) {
      if (StreambedError.is(error, 'NOT_FOUND') && attempt < attemptsMax) continue
      throw error
    }
    // From here on the object may appear; before, an aborted put leaves nothing.
    throwIfAborted(signal)
    try {
      if (publication.ifAbsent) await fileSystem.link(temporary, file)
      else await fileSystem.rename(temporary, file)
      return
    } catch (error) {
      if (StreambedError.is(error, 'NOT_FOUND') && attempt < attemptsMax) {
        // A delete took the last object of the folder, and the folder with it.
        folders.forget(folder)
        continue
      }
      if (StreambedError.is(error, 'ALREADY_EXISTS') && publication.ifAbsent) {
        // A network file system may send a link twice and report the second: the token tells our own win.
        if (await isOurs(environment, publication)) return
        // Who made it may have died before this: told that it exists, the caller may rely on it.
        await syncIfThere(fileSystem, folder)
        throw new TakenError(key, error)
      }
      if (StreambedError.is(error, 'UNAVAILABLE')) throw outcomeUnknown(error, `put of ${key}`)
      throw error
    }
  }
}

/** ALREADY_EXISTS as the contract means it, apart from that of the file system. */
export class TakenError extends StreambedError {
  constructor (key: string, cause: unknown) {
    super('ALREADY_EXISTS', `the object exists. key=${key}`, { cause })
  }
}

async function isOurs (environment: Environment, { file, key, header }: Publication): Promise<boolean> {
  try {
    return (await readObjectHeader(environment, file, key)).token === header.token
  } catch (error) {
    // Ours is sound and nobody else deletes it before it was confirmed.
    if (StreambedError.is(error, 'NOT_FOUND', 'CORRUPT', 'UNSUPPORTED')) return false
    throw outcomeUnknown(error, `put of ${key}`)
  }
}
