// What a network does to a plugin of a remote store, on a server of HTTP that does as each test says. Not a service: it stores nothing.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pattern, rejectsWith, sameBytes } from '@streambed/conformance'
import type { ErrorCode, ObjectStore } from '@streambed/sdk'
import { nodeEnvironment } from '@streambed/sdk/node'

export interface RemotePlugin {
  readonly name: string
  /** Opens a store at `endpoint`, whose answers take 300 ms at most. */
  readonly open: (endpoint: string) => Promise<ObjectStore>
  /** How the service tells of an object. */
  readonly wire: ObjectWire
  /** Status and error code of the service's answers, and what they must become. */
  readonly answers: readonly { readonly status: number, readonly code: string, readonly becomes: ErrorCode }[]
  readonly errorBody: (code: string) => string
  readonly errorHeaders?: (code: string) => Readonly<Record<string, string>>
  /** Answers what the plugin asks beside the call under test, which is not counted; tells whether it did. */
  readonly aside?: (request: IncomingMessage, response: ServerResponse) => boolean
}

/** What the tests must read and write of a service's own language. */
export interface ObjectWire {
  /** Whether it asks for what is told of an object, not for its bytes. */
  readonly isHead: (request: IncomingMessage) => boolean
  /** The owner's token in a request to put. */
  readonly ownerIn: (request: IncomingMessage, body: Buffer) => string
  /** Answers a head: of an object of `owner`, with the version token `tag`. */
  readonly answerHead: (response: ServerResponse, owner: string, body: Uint8Array) => void
  /** In the answer that holds the object's bytes. */
  readonly bodyHeaders: (body: Uint8Array) => Readonly<Record<string, string>>
}

/** Services that tell of an object in headers, below `metadataPrefix`: `x-amz-meta-`. */
export function headerWire (metadataPrefix: string): ObjectWire {
  const bodyHeaders = (body: Uint8Array): Readonly<Record<string, string>> => ({
    etag: '"tag"', 'last-modified': 'Tue, 24 Nov 2026 00:00:00 GMT', 'content-length': String(body.length), 'content-type': 'application/octet-stream',
    [`${metadataPrefix}streambedcrc32c`]: nodeEnvironment().crc32c(body).toString(16).padStart(8, '0')
  })
  return {
    isHead: request => request.method === 'HEAD',
    ownerIn: request => String(request.headers[`${metadataPrefix}streambedowner`]),
    answerHead: (response, owner, body) => { response.writeHead(200, { ...bodyHeaders(body), [`${metadataPrefix}streambedowner`]: owner }).end() },
    bodyHeaders
  }
}

type Handler = (request: IncomingMessage, response: ServerResponse, body: Buffer) => void

export function remoteFaultTests ({ answers, aside = () => false, errorBody, errorHeaders = () => ({}), name, open, wire }: RemotePlugin): void {
  describe(`${name} over a network that fails`, () => {
    let server: http.Server
    let store: ObjectStore
    let handler: Handler
    let requests: number

    beforeEach(async () => {
      requests = 0
      server = http.createServer((request, response) => {
        if (aside(request, response)) return
        requests++
        const chunks: Buffer[] = []
        request.on('data', (chunk: Buffer) => chunks.push(chunk))
        request.on('end', () => { handler(request, response, Buffer.concat(chunks)) })
        request.on('error', () => undefined)
      })
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      store = await open(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    })
    afterEach(async () => {
      server.closeAllConnections()
      await store.close()
      server.close()
    })

    for (const { becomes, code, status } of answers) {
      it(`makes ${becomes} of ${status} ${code}, and asks once`, async () => {
        handler = (_, response) => { response.writeHead(status, { 'content-type': 'application/xml', ...errorHeaders(code) }).end(errorBody(code)) }
        await rejectsWith(store.get('a'), becomes)
        assert.equal(requests, 1, 'the host retries, not the plugin')
      })
    }

    it('ends a call that nobody answers at its deadline, and frees the connection', async () => {
      const closed = new Promise<void>(resolve => { handler = request => { request.socket.once('close', resolve) } })
      await rejectsWith(store.head('a'), 'TIMEOUT')
      await closed
    })

    it('ends an aborted call at once, and frees the connection', async () => {
      const aborter = new AbortController()
      const closed = new Promise<void>(resolve => {
        handler = request => {
          request.socket.once('close', resolve)
          aborter.abort()
        }
      })
      await rejectsWith(store.get('a', { signal: aborter.signal }), 'ABORTED')
      await closed
    })

    it('ends an aborted put in the middle of its body, and frees the connection', async () => {
      const aborter = new AbortController()
      const { promise: begun, resolve: begin } = Promise.withResolvers<IncomingMessage>()
      server.removeAllListeners('request')
      server.on('request', request => {
        request.on('error', () => undefined)
        begin(request)
      })
      const put = rejectsWith(store.put('a', pattern(32 * 1024 * 1024), { signal: aborter.signal }), 'ABORTED')
      const request = await begun
      // Not `once`: the socket also has an error to tell.
      const closed = new Promise<void>(resolve => { request.socket.once('close', () => { resolve() }) })
      aborter.abort()
      await put
      request.resume()
      await closed
    })

    it('knows its own put again when the answer was lost', async () => {
      const body = pattern(100)
      let owner = ''
      handler = (request, response, sent) => {
        if (wire.isHead(request)) { wire.answerHead(response, owner, body); return }
        owner = wire.ownerIn(request, sent)
        response.socket!.destroy()
      }
      assert.equal((await store.put('a', body, { ifAbsent: true })).versionToken, 'tag')
      assert.match(owner, /^[0-9a-f]{32}$/)
    })

    it("takes nobody else's put for its own", async () => {
      handler = (request, response) => {
        if (wire.isHead(request)) wire.answerHead(response, 'another', pattern(100))
        else response.socket!.destroy()
      }
      await rejectsWith(store.put('a', pattern(100), { ifAbsent: true }), 'ALREADY_EXISTS')
    })

    it('says that it does not know, when answer and object are both missing', async () => {
      handler = (request, response) => {
        if (wire.isHead(request)) response.writeHead(404, errorHeaders('NoSuchKey')).end()
        else response.socket!.destroy()
      }
      await rejectsWith(store.put('a', pattern(100), { ifAbsent: true }), 'OUTCOME_UNKNOWN')
    })

    it('finds a byte that changed on the way down', async () => {
      const body = pattern(1000)
      const changed = Buffer.from(body)
      changed[500]! ^= 1
      handler = (_, response) => { response.writeHead(200, wire.bodyHeaders(body)).end(changed) }
      await rejectsWith(store.get('a'), 'CORRUPT')
    })

    it('gives no part of an answer that broke off', async () => {
      handler = (_, response) => {
        response.writeHead(200, wire.bodyHeaders(pattern(1000)))
        response.write(pattern(1000).subarray(0, 400), () => { response.socket!.destroy() })
      }
      await rejectsWith(store.get('a'), 'UNAVAILABLE')
    })

    it('goes on when the network does', async () => {
      handler = (_, response) => { response.socket!.destroy() }
      await rejectsWith(store.get('a'), 'UNAVAILABLE')
      const body = pattern(1000)
      handler = (_, response) => { response.writeHead(200, wire.bodyHeaders(body)).end(body) }
      sameBytes(await store.get('a'), body)
    })
  })
}
