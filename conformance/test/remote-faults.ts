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
  /** In front of the names of object metadata in headers: `x-amz-meta-`. */
  readonly metadataPrefix: string
  /** Status and error code of the service's answers, and what they must become. */
  readonly answers: readonly { readonly status: number, readonly code: string, readonly becomes: ErrorCode }[]
  readonly errorBody: (code: string) => string
  readonly errorHeaders?: (code: string) => Readonly<Record<string, string>>
}

type Handler = (request: IncomingMessage, response: ServerResponse, body: Buffer) => void

export function remoteFaultTests ({ answers, errorBody, errorHeaders = () => ({}), metadataPrefix, name, open }: RemotePlugin): void {
  describe(`${name} over a network that fails`, () => {
    let server: http.Server
    let store: ObjectStore
    let handler: Handler
    let requests: number

    beforeEach(async () => {
      requests = 0
      server = http.createServer((request, response) => {
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

    const stored = (owner: string, body: Uint8Array, crc = nodeEnvironment().crc32c(body)): Readonly<Record<string, string>> => ({
      etag: '"tag"', 'last-modified': 'Tue, 24 Nov 2026 00:00:00 GMT', 'content-length': String(body.length), 'content-type': 'application/octet-stream',
      [`${metadataPrefix}streambedowner`]: owner, [`${metadataPrefix}streambedcrc32c`]: crc.toString(16).padStart(8, '0')
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

    it('knows its own put again when the answer was lost', async () => {
      const body = pattern(100)
      let owner = ''
      handler = (request, response) => {
        if (request.method === 'HEAD') { response.writeHead(200, stored(owner, body)).end(); return }
        owner = String(request.headers[`${metadataPrefix}streambedowner`])
        response.socket!.destroy()
      }
      assert.equal((await store.put('a', body, { ifAbsent: true })).versionToken, 'tag')
      assert.match(owner, /^[0-9a-f]{32}$/)
    })

    it("takes nobody else's put for its own", async () => {
      handler = (request, response) => {
        if (request.method === 'HEAD') response.writeHead(200, stored('another', pattern(100))).end()
        else response.socket!.destroy()
      }
      await rejectsWith(store.put('a', pattern(100), { ifAbsent: true }), 'ALREADY_EXISTS')
    })

    it('says that it does not know, when answer and object are both missing', async () => {
      handler = (request, response) => {
        if (request.method === 'HEAD') response.writeHead(404, errorHeaders('NoSuchKey')).end()
        else response.socket!.destroy()
      }
      await rejectsWith(store.put('a', pattern(100), { ifAbsent: true }), 'OUTCOME_UNKNOWN')
    })

    it('finds a byte that changed on the way down', async () => {
      const body = pattern(1000)
      const changed = Buffer.from(body)
      changed[500]! ^= 1
      handler = (_, response) => { response.writeHead(200, stored('o', body)).end(changed) }
      await rejectsWith(store.get('a'), 'CORRUPT')
    })

    it('gives no part of an answer that broke off', async () => {
      handler = (_, response) => {
        response.writeHead(200, stored('o', pattern(1000)))
        response.write(pattern(1000).subarray(0, 400), () => { response.socket!.destroy() })
      }
      await rejectsWith(store.get('a'), 'UNAVAILABLE')
    })

    it('goes on when the network does', async () => {
      handler = (_, response) => { response.socket!.destroy() }
      await rejectsWith(store.get('a'), 'UNAVAILABLE')
      const body = pattern(1000)
      handler = (_, response) => { response.writeHead(200, stored('o', body)).end(body) }
      sameBytes(await store.get('a'), body)
    })
  })
}
