import { HttpClient, HttpStatusError, Unbelieved, wholeJson, type HttpAnswer, type HttpCall } from '@streambed/sdk/remote'
import { Refusal } from './errors.ts'
import type { WebHdfsOptions } from './options.ts'

export interface FileStatus { readonly pathSuffix: string, readonly type: 'FILE' | 'DIRECTORY', readonly length: number, readonly modificationTime: number, readonly fileId: number }

/** In bytes; to the file's end without a length. */
interface FileRange { readonly offset: number, readonly length?: number }

type Query = Readonly<Record<string, string>>

/** More than any answer of a namenode: 1,000 names and what is told of each. */
const answerBytesMax = 8 * 2 ** 20
/** The largest object, and its header. */
const fileBytesMax = 2 ** 30
/** Bytes of files go by way of a datanode, to which the namenode sends us once. */
const octets = { 'content-type': 'application/octet-stream' }

/** The requests of WebHDFS that the store makes. Paths are below the operator's folder. */
export class WebHdfsClient {
  readonly #http: HttpClient
  readonly #origin: URL
  readonly #root: string
  readonly #identity: Query

  constructor ({ connectionsMax, delegationToken, endpoint, path, user }: WebHdfsOptions) {
    this.#http = new HttpClient({ connectionsMax })
    this.#origin = new URL(endpoint)
    this.#root = path
    this.#identity = delegationToken !== undefined ? { delegation: delegationToken } : user !== undefined ? { 'user.name': user } : {}
  }

  /** Writes a file that does not exist yet. It is whole, and closed, when this resolves. */
  async create (path: string, pieces: readonly Uint8Array[], signal: AbortSignal): Promise<void> {
    const datanode = await this.#redirected('PUT', path, { op: 'CREATE', overwrite: 'false' }, signal)
    await this.#http.send({ method: 'PUT', ...datanode, headers: octets, pieces, signal, answerBytesMax })
  }

  /** `onBytes`: told how many bytes of the file have come. */
  async open (path: string, range: FileRange, signal: AbortSignal, onBytes?: (count: number) => void): Promise<Uint8Array> {
    const { length, offset } = range
    const datanode = await this.#redirected('GET', path, { op: 'OPEN', offset: String(offset), ...length === undefined ? {} : { length: String(length) } }, signal)
    const { body, headers, status } = await this.#http.send({ method: 'GET', ...datanode, headers: {}, signal, answerBytesMax: length ?? fileBytesMax, ...onBytes === undefined ? {} : { onBytes } })
    // Files are told as no more than bytes.
    if (status !== 200 || /^text\/html/i.test(headers['content-type'] ?? '')) throw new Unbelieved('it is not what the file holds', { status, contentType: headers['content-type'] })
    return body
  }

  async status (path: string, signal: AbortSignal): Promise<FileStatus> {
    const { FileStatus: status } = await this.#ask('GET', path, { op: 'GETFILESTATUS' }, signal) as { readonly FileStatus?: FileStatus }
    return told(status)
  }

  /** Some of the folder's entries after the name `startAfter`, in the order of their names' bytes, and whether there are more. */
  async entries (path: string, startAfter: string | undefined, signal: AbortSignal): Promise<{ readonly entries: readonly FileStatus[], readonly isLast: boolean }> {
    const { DirectoryListing: listing } = await this.#ask('GET', path, { op: 'LISTSTATUS_BATCH', ...startAfter === undefined ? {} : { startAfter } }, signal) as {
      readonly DirectoryListing?: { readonly partialListing?: { readonly FileStatuses?: { readonly FileStatus?: readonly FileStatus[] } }, readonly remainingEntries?: number }
    }
    const entries = listing?.partialListing?.FileStatuses?.FileStatus
    const remaining = listing?.remainingEntries
    if (!Array.isArray(entries) || remaining === undefined || (entries.length === 0 && remaining > 0)) throw new Unbelieved('it is no listing, or not whole')
    return { entries: (entries as readonly FileStatus[]).map(told), isLast: remaining === 0 }
  }

  /** False when the target exists, or the source does not. */
  async rename (path: string, target: string, signal: AbortSignal): Promise<boolean> {
    return await this.#decided('PUT', path, { op: 'RENAME', destination: `${this.#root}/${target}` }, signal)
  }

  /** Puts the file in the target's place, which nobody sees without one. Rejects where it cannot. */
  async replace (path: string, target: string, signal: AbortSignal): Promise<void> {
    const { body, status } = await this.#send('PUT', path, { op: 'RENAME', destination: `${this.#root}/${target}`, renameoptions: 'OVERWRITE' }, signal)
    if (status !== 200 || body.length > 0) throw new Unbelieved('it does not say whether it was done', { status })
  }

  /** False when it does not exist. */
  async delete (path: string, signal: AbortSignal): Promise<boolean> { return await this.#decided('DELETE', path, { op: 'DELETE', recursive: 'false' }, signal) }

  /** With those above it. */
  async makeFolder (path: string, signal: AbortSignal): Promise<void> {
    if (!await this.#decided('PUT', path, { op: 'MKDIRS' }, signal)) throw new Refusal('NO_VERDICT', `the folder ${path} could not be made`)
  }

  close (): void { this.#http.close() }

  async #decided (method: HttpCall['method'], path: string, query: Query, signal: AbortSignal): Promise<boolean> {
    const { boolean } = await this.#ask(method, path, query, signal) as { readonly boolean?: unknown }
    if (typeof boolean !== 'boolean') throw new Unbelieved('it does not say whether it was done')
    return boolean
  }

  async #ask (method: HttpCall['method'], path: string, query: Query, signal: AbortSignal): Promise<object> {
    return wholeJson(await this.#send(method, path, query, signal))
  }

  async #send (method: HttpCall['method'], path: string, query: Query, signal: AbortSignal): Promise<HttpAnswer> {
    const text = new URLSearchParams({ ...query, ...this.#identity }).toString()
    // Of what our paths hold, only the mark is not itself in a URL's path.
    const where = `/webhdfs/v1${this.#root}${path === '' ? '' : `/${path}`}`.replaceAll('+', '%2B')
    return await this.#http.send({ method, origin: this.#origin, path: `${where}?${text}`, headers: {}, signal, answerBytesMax, ...method === 'PUT' ? { pieces: [] } : {} })
  }

  async #redirected (method: 'PUT' | 'GET', path: string, query: Query, signal: AbortSignal): Promise<{ readonly origin: URL, readonly path: string }> {
    try {
      await this.#send(method, path, query, signal)
    } catch (error) {
      const location = error instanceof HttpStatusError && error.status === 307 ? error.headers.location : undefined
      if (location === undefined) throw error
      if (!/^https?:\/\//.test(location) || !URL.canParse(location)) throw new Refusal('MISCONFIGURED', `the namenode sends us to what is no HTTP address. location=${location}`)
      const url = new URL(location)
      return { origin: new URL(url.origin), path: url.pathname + url.search }
    }
    throw new Refusal('NO_VERDICT', `${query['op']}: the namenode sends us to no datanode; \`endpoint\` must speak WebHDFS`)
  }
}

/** What is told of a file, where it is all there. */
function told (status: FileStatus | undefined): FileStatus {
  if (status === undefined || typeof status.pathSuffix !== 'string' || !Number.isSafeInteger(status.length) || !Number.isSafeInteger(status.fileId)) throw new Unbelieved('it does not tell of the file')
  return status
}
