// A double of HDFS at the level of its wire, for tests: a namenode and a datanode, each a server of its own, with the requests that the store makes.
// Written from "WebHDFS REST API" of Hadoop 3 and from the namenode's source, where the two leave out what matters: that a rename into a folder
// moves below it, that an offset at the end or past it is refused with a plain IOException, that listings come in batches. What it does not do:
// replication, leases, permissions, quotas (but for exceptions that a test plants), Kerberos, high availability, HTTPS, append, and time (each
// change is one millisecond later). No real HDFS has been held against it here.
import { once } from 'node:events'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

interface File { readonly bytes: Buffer, readonly fileId: number, readonly modificationTime: number }
export interface Planted { readonly op: string, readonly status: number, readonly exception: string, readonly takesEffect?: boolean, readonly dropsAnswer?: boolean, readonly says?: { readonly type: string, readonly text: string } }

const statusByException: Readonly<Record<string, number>> = { FileNotFoundException: 404, FileAlreadyExistsException: 403, IOException: 403, IllegalArgumentException: 400 }
const batchSize = 7

export class FakeWebHdfs {
  readonly files = new Map<string, File>()
  readonly folders = new Set<string>(['/'])
  readonly requests: { readonly server: 'namenode' | 'datanode', readonly op: string, readonly query: URLSearchParams }[] = []
  /** The next request of that `op` gets it; the datanode's are CREATE@datanode and OPEN@datanode. */
  planted: Planted[] = []
  /** Whether a bit of each body changes on its way here. */
  spoils = false
  nowMs = Date.now()
  #fileCount = 16_384
  readonly #namenode = http.createServer((request, response) => { void this.#take('namenode', request, response) })
  readonly #datanode = http.createServer((request, response) => { void this.#take('datanode', request, response) })

  static async start (): Promise<FakeWebHdfs> {
    const fake = new FakeWebHdfs()
    for (const server of [fake.#namenode, fake.#datanode]) {
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
    }
    return fake
  }

  get endpoint (): string { return addressOf(this.#namenode) }

  async stop (): Promise<void> {
    for (const server of [this.#namenode, this.#datanode]) {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    }
  }

  async #take (server: 'namenode' | 'datanode', request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks = await request.toArray().catch(() => undefined) as Buffer[] | undefined
    if (chunks === undefined) return
    const body = Buffer.concat(chunks)
    const url = new URL(request.url!, 'http://any')
    const op = url.searchParams.get('op') ?? ''
    this.requests.push({ server, op, query: url.searchParams })
    const index = this.planted.findIndex(planted => planted.op === (server === 'datanode' ? `${op}@datanode` : op))
    const [planted] = index < 0 ? [] : this.planted.splice(index, 1)
    if (planted?.says !== undefined) { response.writeHead(planted.status, { 'content-type': planted.says.type }).end(planted.says.text); return }
    if (planted !== undefined && planted.takesEffect !== true) { refuse(response, planted.exception, 'planted', planted.status); return }
    if (planted?.dropsAnswer === true) response.end = (() => { request.socket.destroy(); return response }) as typeof response.end
    const path = decodeURIComponent(url.pathname.replace('/webhdfs/v1', ''))
    if (server === 'datanode') this.#ofDatanode(op, path, url.searchParams, body, response)
    else this.#ofNamenode(`${request.method} ${op}`, path, url, response)
  }

  #ofNamenode (request: string, path: string, { search, searchParams: query }: URL, response: ServerResponse): void {
    const file = this.files.get(path)
    switch (request) {
      case 'PUT CREATE':
        if (this.folders.has(path) || (file !== undefined && query.get('overwrite') !== 'true')) { refuse(response, 'FileAlreadyExistsException', path); return }
        this.#redirect(response, path, search)
        return
      case 'GET OPEN': {
        if (file === undefined) { refuse(response, 'FileNotFoundException', path); return }
        const offset = Number(query.get('offset'))
        if (offset >= file.bytes.length && file.bytes.length > 0) { refuse(response, 'IOException', `Offset=${offset} out of the range [0, ${file.bytes.length}); OPEN, path=${path}`); return }
        this.#redirect(response, path, search)
        return
      }
      case 'GET GETFILESTATUS': {
        const status = this.#statusOf(path, '')
        if (status === undefined) refuse(response, 'FileNotFoundException', `File does not exist: ${path}`)
        else say(response, { FileStatus: status })
        return
      }
      case 'GET LISTSTATUS_BATCH': {
        if (!this.folders.has(path)) { refuse(response, 'FileNotFoundException', `File ${path} does not exist.`); return }
        const names = this.#childrenOf(path).filter(name => Buffer.compare(Buffer.from(name), Buffer.from(query.get('startAfter') ?? '')) > 0)
        const batch = names.slice(0, batchSize)
        say(response, { DirectoryListing: { partialListing: { FileStatuses: { FileStatus: batch.map(name => this.#statusOf(`${path}/${name}`, name)) } }, remainingEntries: names.length - batch.length } })
        return
      }
      case 'PUT MKDIRS':
        if (file !== undefined) { refuse(response, 'FileAlreadyExistsException', path); return }
        this.#makeFolder(path)
        say(response, { boolean: true })
        return
      case 'PUT RENAME': {
        const asked = query.get('destination')!
        if (query.get('renameoptions') === 'OVERWRITE') {
          if (file === undefined || this.folders.has(asked)) { refuse(response, 'FileNotFoundException', path); return }
          this.#move(path, asked, file)
          response.writeHead(200).end()
          return
        }
        const target = this.folders.has(asked) ? `${asked}/${path.split('/').at(-1)}` : asked
        const isPossible = file !== undefined && !this.files.has(target) && this.folders.has(parentOf(target))
        if (isPossible) this.#move(path, target, file)
        say(response, { boolean: isPossible })
        return
      }
      case 'DELETE DELETE':
        say(response, { boolean: this.files.delete(path) })
        return
      default:
        refuse(response, 'IllegalArgumentException', `Invalid value for webhdfs parameter "op": ${request}`)
    }
  }

  #ofDatanode (op: string, path: string, query: URLSearchParams, body: Buffer, response: ServerResponse): void {
    if (op === 'CREATE') {
      if (this.spoils && body.length > 0) body[body.length - 1]! ^= 1
      this.#makeFolder(parentOf(path))
      this.files.set(path, { bytes: body, fileId: ++this.#fileCount, modificationTime: ++this.nowMs })
      response.writeHead(201, { location: `hdfs://namenode${path}` }).end()
      return
    }
    const bytes = this.files.get(path)?.bytes
    if (bytes === undefined) { refuse(response, 'FileNotFoundException', path); return }
    const offset = Number(query.get('offset'))
    const length = query.get('length')
    const part = bytes.subarray(offset, length === null ? undefined : offset + Number(length))
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': part.length }).end(part)
  }

  #move (from: string, to: string, file: File): void {
    this.files.delete(from)
    this.files.set(to, file)
  }

  #makeFolder (path: string): void { for (let at = path; at !== '/'; at = parentOf(at)) this.folders.add(at) }

  #childrenOf (path: string): string[] {
    return [...this.files.keys(), ...this.folders].filter(child => child !== '/' && parentOf(child) === path).map(child => child.split('/').at(-1)!).sort((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)))
  }

  #statusOf (path: string, pathSuffix: string): object | undefined {
    const file = this.files.get(path)
    if (file !== undefined) return { pathSuffix, type: 'FILE', length: file.bytes.length, fileId: file.fileId, modificationTime: file.modificationTime }
    return this.folders.has(path) ? { pathSuffix, type: 'DIRECTORY', length: 0, fileId: 1, modificationTime: 1 } : undefined
  }

  #redirect (response: ServerResponse, path: string, search: string): void {
    response.writeHead(307, { location: `${addressOf(this.#datanode)}/webhdfs/v1${encodeURI(path).replaceAll('+', '%2B')}${search}` }).end()
  }
}

function addressOf (server: http.Server): string { return `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
function parentOf (path: string): string { return path.slice(0, path.lastIndexOf('/')) || '/' }
function say (response: ServerResponse, answer: object): void { response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer)) }

function refuse (response: ServerResponse, exception: string, message: string, status = statusByException[exception] ?? 500): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ RemoteException: { exception, javaClassName: `any.${exception}`, message } }))
}
