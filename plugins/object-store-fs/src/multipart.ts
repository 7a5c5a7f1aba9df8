import { StreambedError } from '@streambed/sdk'
import type { Environment, FileSystem, ObjectBody } from '@streambed/sdk'
import path from 'node:path'
import { invalidArgument } from './errors.ts'
import { readObject, readObjectHeader } from './object-reader.ts'
import { writeObjectFile } from './object-writer.ts'
import { bodySize } from './runs.ts'
import { removeTree } from './workspace.ts'

const partsMax = 10_000
const partBytesMin = 1
export const multipart = Object.freeze({ partBytesMin, partsMax, conditionalComplete: true })

/** Says whose upload a folder holds; what its file calls the key of an object. */
const descriptorName = 'upload'

interface Part { readonly file: string, readonly size: number }

/** The parts of one upload, each a file in the form of an object's: checksummed, but not durable before the whole is. */
export class UploadFolder {
  readonly #environment: Environment
  readonly #folder: string
  readonly #key: string
  readonly #parts = new Map<number, Part>()
  #fileCount = 0

  static async create (environment: Environment, folder: string, key: string): Promise<UploadFolder> {
    await environment.fileSystem.makeDirectory(folder)
    const body = Buffer.from(key)
    await writeObjectFile(environment, path.join(folder, descriptorName), descriptorName, body.length, [body], { isDurable: false })
    return new UploadFolder(environment, folder, key)
  }

  private constructor (environment: Environment, folder: string, key: string) {
    this.#environment = environment
    this.#folder = folder
    this.#key = key
  }

  async addPart (number: number, body: ObjectBody, signal: AbortSignal | undefined): Promise<void> {
    if (!Number.isInteger(number) || number < 1 || number > partsMax) throw invalidArgument(`the part number is not 1 to ${partsMax}. number=${number}`)
    const part = { file: path.join(this.#folder, `part-${++this.#fileCount}`), size: bodySize(body) }
    await this.#inFolder(writeObjectFile(this.#environment, part.file, this.#key, part.size, [body], { isDurable: false, signal }))
    const replaced = this.#parts.get(number)
    this.#parts.set(number, part)
    if (replaced !== undefined) await this.#inFolder(this.#environment.fileSystem.remove(replaced.file))
  }

  /** The parts in order, to be read one at a time. Rejects when they do not make an object. */
  async assemble (signal: AbortSignal | undefined): Promise<{ readonly size: number, readonly body: AsyncIterable<Uint8Array> }> {
    const parts: Part[] = []
    for (let number = 1; number <= this.#parts.size; number++) {
      const part = this.#parts.get(number)
      if (part === undefined) throw invalidArgument(`part ${number} is missing. key=${this.#key}`)
      parts.push(part)
    }
    if (parts.length === 0) throw invalidArgument(`no part was uploaded. key=${this.#key}`)
    const small = parts.slice(0, -1).findIndex(part => part.size < partBytesMin)
    if (small >= 0) throw invalidArgument(`part ${small + 1} holds less than ${partBytesMin} bytes and is not the last. key=${this.#key}`)
    await this.#inFolder(this.#environment.fileSystem.stat(path.join(this.#folder, descriptorName)))
    return { size: parts.reduce((size, part) => size + part.size, 0), body: this.#read(parts, signal) }
  }

  async remove (): Promise<void> {
    this.#parts.clear()
    await removeTree(this.#environment.fileSystem, this.#folder)
  }

  async * #read (parts: readonly Part[], signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
    for (const { file } of parts) yield await this.#inFolder(readObject(this.#environment, file, this.#key, { signal }))
  }

  /** A file that is missing here went with the whole upload: aborted, completed or swept. */
  async #inFolder<T> (pending: Promise<T>): Promise<T> {
    try {
      return await pending
    } catch (error) {
      if (StreambedError.is(error, 'NOT_FOUND')) throw new UploadEndedError(this.#key, error)
      throw error
    }
  }
}

export class UploadEndedError extends StreambedError {
  constructor (key: string, cause: unknown) {
    super('NOT_FOUND', `the upload has ended: it was completed, aborted or swept. key=${key}`, { cause })
  }
}

/** Removes, of all stores on the folder, uploads of keys with `prefix` that began before `beforeMs`. Resolves with their count. */
export async function sweepUploads (environment: Environment, workspaces: string, prefix: string, beforeMs: number): Promise<number> {
  const { fileSystem } = environment
  let count = 0
  for (const workspace of await subfolders(fileSystem, workspaces)) {
    for (const folder of await subfolders(fileSystem, workspace)) {
      if (await isStale(environment, folder, prefix, beforeMs)) {
        await removeTree(fileSystem, folder)
        count++
      }
    }
  }
  return count
}

async function isStale (environment: Environment, folder: string, prefix: string, beforeMs: number): Promise<boolean> {
  const file = path.join(folder, descriptorName)
  try {
    const { modifiedMs } = await readObjectHeader(environment, file, descriptorName)
    if (modifiedMs >= beforeMs) return false
    const key = Buffer.from(await readObject(environment, file, descriptorName, {})).toString()
    return key.startsWith(prefix)
  } catch (error) {
    // Gone meanwhile, or begun this moment.
    if (StreambedError.is(error, 'NOT_FOUND', 'CORRUPT')) return false
    throw error
  }
}

async function subfolders (fileSystem: FileSystem, folder: string): Promise<string[]> {
  try {
    return (await fileSystem.list(folder)).filter(entry => entry.kind === 'directory').map(entry => path.join(folder, entry.name))
  } catch (error) {
    if (StreambedError.is(error, 'NOT_FOUND')) return []
    throw error
  }
}
