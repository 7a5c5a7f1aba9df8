import { StreambedError, mapBounded, type ByteRange, type Environment, type Finding, type ObjectInfo, type ObjectPage } from '@streambed/sdk'
import { Unbelieved, contiguous, type ObjectService, type ServiceBody, type ServiceDeleteOutcome, type ServiceFailure, type ServiceObject, type ServicePut } from '@streambed/sdk/remote'
import type { FileStatus, WebHdfsClient } from './client.ts'
import { NothingChanged, Refusal, failureOf } from './errors.ts'
import { decodeHeader, encodeHeader, headerBytes } from './header.ts'
import { filesIn } from './listing.ts'
import { pathOf, placeOf } from './names.ts'

const objects = 'objects'
const uploads = 'uploads'
const deletesAtATime = 8
const staleMs = 24 * 3_600_000

/**
 * Objects as files of HDFS. A file is written under a name that nobody else has, and renamed when it is whole: a rename is atomic and does not
 * replace, so that of those who create one object one succeeds. The version token is the number of the file's inode, which a rename keeps and
 * which is never used again.
 */
export class WebHdfsService implements ObjectService {
  readonly deleteNamesMax = 100
  readonly #client: WebHdfsClient
  readonly #environment: Environment
  readonly #verifyWrites: boolean
  #folders: Promise<void> | undefined

  constructor (client: WebHdfsClient, verifyWrites: boolean, environment: Environment) {
    this.#client = client
    this.#verifyWrites = verifyWrites
    this.#environment = environment
  }

  async put ({ crc32c, ifAbsent, name, owner, pieces, signal, size }: ServicePut): Promise<{ readonly versionToken: string }> {
    const upload = `${uploads}/${owner}`
    const { fileId } = await this.#uploaded(upload, [encodeHeader({ crc32c, owner }, this.#environment.crc32c), ...pieces], size, name, signal)
      .catch((cause: unknown) => { throw StreambedError.is(cause) ? cause : new NothingChanged('the file was not renamed', { cause }) })
    if (!ifAbsent) {
      await this.#client.replace(upload, fileOf(name), signal)
    } else if (!await this.#client.rename(upload, fileOf(name), signal)) {
      await this.#refuse(upload, name, signal)
    }
    return { versionToken: String(fileId) }
  }

  async get (name: string, range: ByteRange | undefined, signal: AbortSignal, onBytes: (count: number) => void): Promise<ServiceBody> {
    if (range !== undefined) return { bytes: await this.#ranged(fileOf(name), range, signal, onBytes) }
    const file = await this.#client.open(fileOf(name), { offset: 0 }, signal, onBytes)
    return { bytes: file.subarray(headerBytes), crc32c: decodeHeader(file, this.#environment.crc32c).crc32c }
  }

  async head (name: string, signal: AbortSignal): Promise<ServiceObject> {
    const status = await this.#client.status(fileOf(name), signal)
    // A folder of longer keys has a mark and so never this name.
    const header = await this.#client.open(fileOf(name), { offset: 0, length: headerBytes }, signal)
    return { ...infoOf(status), owner: decodeHeader(header, this.#environment.crc32c).owner }
  }

  async list (prefix: string, startAfter: string | undefined, limit: number, signal: AbortSignal): Promise<ObjectPage> {
    const found: ObjectInfo[] = []
    for await (const { key, status } of filesIn(this.#client, objects, prefix, startAfter, signal)) {
      if (found.length === limit) return { objects: found, isLast: false }
      found.push({ key, ...infoOf(status) })
    }
    return { objects: found, isLast: true }
  }

  async delete (names: readonly string[], signal: AbortSignal): Promise<readonly ServiceDeleteOutcome[]> {
    return await mapBounded(names, deletesAtATime, async (name): Promise<ServiceDeleteOutcome> => {
      try {
        await this.#client.delete(fileOf(name), signal)
        return { kind: 'deleted' }
      } catch (error) {
        const failure = failureOf(error)
        return failure.code === 'NOT_FOUND' ? { kind: 'deleted' } : { kind: 'failed', failure }
      }
    })
  }

  /** Files that were left behind by writers that died. */
  async preflight (_: string, signal: AbortSignal): Promise<readonly Finding[]> {
    await this.#makeFolders(signal)
    let count = 0
    for (let startAfter: string | undefined; ;) {
      const { entries, isLast } = await this.#client.entries(uploads, startAfter, signal)
      count += entries.filter(({ modificationTime }) => modificationTime < this.#environment.clock.wallMs() - staleMs).length
      startAfter = entries.at(-1)?.pathSuffix
      if (isLast || startAfter === undefined) break
    }
    if (count === 0) return []
    return [{ severity: 'warning', problem: `${count} files older than a day were left in the folder ${uploads} by writers that died`, remedy: 'Delete them; nobody will.' }]
  }

  failureOf (error: unknown): ServiceFailure { return failureOf(error) }
  close (): void { this.#client.close() }

  /** No answer says of which range it is: one that is shorter than asked must end where the file does. */
  async #ranged (file: string, { end, start }: ByteRange, signal: AbortSignal, onBytes: (count: number) => void): Promise<Uint8Array> {
    const bytes = await this.#client.open(file, { offset: headerBytes + start, length: end - start }, signal, onBytes)
    if (bytes.length === end - start) return bytes
    this.#environment.metrics.count('object_store_get_requests')
    const { length } = await this.#client.status(file, signal)
    if (headerBytes + start + bytes.length !== length) throw new Unbelieved('it is shorter than what was asked for', { bytes: bytes.length, asked: end - start })
    return bytes
  }

  /** The file as it will be, under a name of its own, with all that is asked of it. */
  async #uploaded (upload: string, pieces: readonly Uint8Array[], size: number, name: string, signal: AbortSignal): Promise<FileStatus> {
    await this.#makeFolders(signal)
    const { folders } = placeOf(name)
    if (folders.length > 0) await this.#client.makeFolder([objects, ...folders].join('/'), signal)
    await this.#client.create(upload, pieces, signal)
    try {
      const status = await this.#client.status(upload, signal)
      if (status.length !== headerBytes + size) throw new Refusal('UNAVAILABLE', `HDFS has ${status.length} bytes of a file of ${headerBytes + size}`)
      if (this.#verifyWrites && !Buffer.from(await this.#client.open(upload, { offset: 0 }, signal)).equals(contiguous(pieces))) {
        throw new Refusal('UNAVAILABLE', `what HDFS has is not what was sent. size=${size}`)
      }
      return status
    } catch (error) {
      await this.#discard(upload, signal)
      throw error
    }
  }

  /** `rename` says no more than that it did not: the target is there, or else we do not know. */
  async #refuse (upload: string, name: string, signal: AbortSignal): Promise<never> {
    await this.#discard(upload, signal)
    const isThere = await this.#client.status(fileOf(name), signal).then(() => true, (error: unknown) => {
      if (failureOf(error).code === 'NOT_FOUND') return false
      throw new Refusal('NO_VERDICT', `the rename was refused, and why could not be learned. ${failureOf(error).detail}`)
    })
    throw new Refusal(isThere ? 'ALREADY_EXISTS' : 'CONFLICT', isThere ? 'the file exists' : 'the rename was refused, and now no file is there')
  }

  /** What fails here is left for `preflight` to find. */
  async #discard (upload: string, signal: AbortSignal): Promise<void> { await this.#client.delete(upload, signal).catch(() => {}) }

  async #makeFolders (signal: AbortSignal): Promise<void> {
    try {
      await (this.#folders ??= Promise.all([objects, uploads].map(async folder => { await this.#client.makeFolder(folder, signal) })).then(() => {}))
    } catch (error) {
      this.#folders = undefined
      throw error
    }
  }
}

function fileOf (name: string): string { return `${objects}/${pathOf(name)}` }

function infoOf ({ fileId, length, modificationTime }: FileStatus): Omit<ObjectInfo, 'key'> {
  return { size: Math.max(0, length - headerBytes), versionToken: String(fileId), modifiedMs: modificationTime }
}
