import assert from 'node:assert/strict'
import { once } from 'node:events'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import net, { type AddressInfo, type Socket } from 'node:net'
import { HttpClient, HttpStatusError, type HttpAnswer, type HttpCall } from '@streambed/sdk/remote'

describe('sdk: HttpClient', () => {
  let server: http.Server
  let client: HttpClient
  let handler: (request: IncomingMessage, response: ServerResponse) => void
  const sockets = new Set<Socket>()

  beforeEach(async () => {
    sockets.clear()
    server = http.createServer((request, response) => {
      request.on('error', () => undefined)
      handler(request, response)
    })
    server.on('connection', socket => {
      sockets.add(socket)
      socket.once('close', () => { sockets.delete(socket) })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    client = new HttpClient({ connectionsMax: 2 })
  })
  afterEach(() => {
    client.close()
    server.closeAllConnections()
    server.close()
  })

  const send = async (call: Partial<HttpCall> = {}): Promise<HttpAnswer> => await client.send({
    method: 'GET', origin: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`), path: '/', headers: {}, signal: new AbortController().signal, answerBytesMax: 1_000_000, ...call
  })
  const closedSocket = (request: IncomingMessage): Promise<void> => new Promise(resolve => { request.socket.once('close', () => { resolve() }) })

  it('sends pieces back to back, their length in front, and the path as it is', async () => {
    let got: { readonly url: string | undefined, readonly length: string | undefined, readonly body: string } | undefined
    handler = async (request, response) => {
      const body = Buffer.concat(await request.toArray() as Buffer[]).toString()
      got = { url: request.url, length: request.headers['content-length'], body }
      response.end('ok')
    }
    const { body } = await send({ method: 'PUT', path: '/b/%2E%2E/a/../c%20d', pieces: [Buffer.from('one '), Buffer.alloc(0), Buffer.from('two')] })
    assert.deepEqual(got, { url: '/b/%2E%2E/a/../c%20d', length: '7', body: 'one two' })
    assert.equal(Buffer.from(body).toString(), 'ok')
  })

  it('uses a connection again, and no more of them than it may', async () => {
    const used = new Set<Socket>()
    handler = (request, response) => {
      used.add(request.socket)
      response.end()
    }
    for (let n = 0; n < 5; n++) await send()
    assert.equal(used.size, 1)
    await Promise.all(Array.from({ length: 20 }, () => send()))
    assert.ok(used.size <= 2, `${used.size} connections`)
  })

  it('closes connections that nobody uses, and none that waits for an answer', async () => {
    await using stack = new AsyncDisposableStack()
    const brief = new HttpClient({ connectionsMax: 2, idleMs: 20 })
    stack.defer(() => { brief.close() })
    const { promise: asked, resolve } = Promise.withResolvers<ServerResponse>()
    let closed: Promise<void> | undefined
    handler = (request, response) => {
      if (request.url === '/slow') { resolve(response); return }
      closed = closedSocket(request)
      response.end()
    }
    const call = { method: 'GET', origin: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`), headers: {}, signal: new AbortController().signal, answerBytesMax: 100 } as const
    const slow = brief.send({ ...call, path: '/slow' })
    const response = await asked
    // An idle connection comes and goes, which takes as long as the slow one has been idle, and longer.
    for (let n = 0; n < 3; n++) {
      await brief.send({ ...call, path: '/' })
      await closed
    }
    response.end('ok')
    assert.equal((await slow).body.length, 2)
  })

  it('rejects with status, headers and body of an answer that is no success, redirects among them; the connection stays good', async () => {
    const used = new Set<Socket>()
    handler = (request, response) => {
      used.add(request.socket)
      response.writeHead(307, { location: 'http://elsewhere', 'x-id': '7' }).end('why')
    }
    await assert.rejects(send(), (error: unknown) => error instanceof HttpStatusError && error.status === 307 && error.headers['x-id'] === '7' && error.text === 'why')
    await assert.rejects(send())
    assert.equal(used.size, 1)
  })

  it('an answer that comes before the body was sent is heard, and its connection given up, though nobody reads the rest', async () => {
    const { promise: closed, resolve } = Promise.withResolvers<void>()
    let reader: Socket | undefined
    const early = net.createServer(socket => {
      reader = socket
      socket.on('error', () => undefined)
      socket.once('close', () => { resolve() })
      socket.once('data', () => {
        socket.pause()
        socket.write('HTTP/1.1 412 Precondition Failed\r\ncontent-length: 5\r\n\r\ntaken')
      })
    })
    early.listen(0, '127.0.0.1')
    await once(early, 'listening')
    try {
      const origin = new URL(`http://127.0.0.1:${(early.address() as AddressInfo).port}`)
      await assert.rejects(send({ origin, method: 'PUT', pieces: [Buffer.alloc(64 * 1024 * 1024)] }), (error: unknown) => error instanceof HttpStatusError && error.status === 412 && error.text === 'taken')
      // What had been sent is read; the rest never comes.
      reader!.resume()
      await closed
    } finally {
      reader?.destroy()
      early.close()
    }
  })

  it('frees the socket of a call that is aborted before an answer', async () => {
    const aborter = new AbortController()
    let closed: Promise<void> | undefined
    handler = request => {
      closed = closedSocket(request)
      aborter.abort()
    }
    await assert.rejects(send({ signal: aborter.signal }))
    await closed
    assert.equal(sockets.size, 0)
  })

  it('frees the socket of a call that is aborted in the middle of an answer', async () => {
    const aborter = new AbortController()
    const { promise: begun, resolve } = Promise.withResolvers<void>()
    let closed: Promise<void> | undefined
    handler = (request, response) => {
      if (request.url === '/other') { response.end(); return }
      closed = closedSocket(request)
      response.writeHead(200, { 'content-length': 1000 })
      response.write('some', () => { resolve() })
    }
    const pending = assert.rejects(send({ signal: aborter.signal }))
    await begun
    // By the time that another call has been answered, the beginning of the answer has come.
    await send({ path: '/other' })
    aborter.abort()
    await pending
    await closed
  })

  it('a call that waits for a connection can be aborted, and an aborted signal is refused at once', async () => {
    const { promise: both, resolve } = Promise.withResolvers<void>()
    const held: ServerResponse[] = []
    handler = (_, response) => { if (held.push(response) === 2) resolve() }
    const first = [send(), send()]
    await both
    const aborter = new AbortController()
    const third = send({ signal: aborter.signal })
    aborter.abort()
    await assert.rejects(third)
    await assert.rejects(send({ signal: aborter.signal }))
    for (const response of held) response.end()
    await Promise.all(first)
    assert.equal(held.length, 2, 'a call that was given up was sent')
  })

  it('leaves no listener on the signal', async () => {
    const { signal } = new AbortController()
    let listeners = 0
    const counted = new Proxy(signal, { get: (target, name) => {
      if (name === 'addEventListener') return (...args: Parameters<AbortSignal['addEventListener']>) => { listeners++; target.addEventListener(...args) }
      if (name === 'removeEventListener') return (...args: Parameters<AbortSignal['removeEventListener']>) => { listeners--; target.removeEventListener(...args) }
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) as unknown : value
    } })
    handler = (_, response) => { response.end() }
    await send({ signal: counted })
    assert.equal(listeners, 0)
  })

  for (const { name, write } of [
    { name: 'says that it is longer than wanted', write: (response: ServerResponse) => { response.writeHead(200, { 'content-length': 2_000_000 }).end(Buffer.alloc(2_000_000)) } },
    { name: 'is longer than wanted and does not say so', write: (response: ServerResponse) => { response.writeHead(200).end(Buffer.alloc(2_000_000)) } },
    { name: 'breaks off', write: (response: ServerResponse) => { response.writeHead(200, { 'content-length': 1000 }).write('some', () => { response.socket!.destroy() }) } },
    { name: 'breaks off and does not say where it ends', write: (response: ServerResponse) => { response.writeHead(200).write('some', () => { response.socket!.destroy() }) } }
  ]) {
    it(`fails an answer that ${name}, and frees its socket`, async () => {
      let closed: Promise<void> | undefined
      handler = (request, response) => {
        closed = closedSocket(request)
        write(response)
      }
      await assert.rejects(send(), (error: unknown) => !(error instanceof HttpStatusError))
      await closed
    })
  }

  it('reads nothing of a HEAD, whatever length it tells', async () => {
    handler = (_, response) => { response.writeHead(200, { 'content-length': 5_000_000_000 }).end() }
    assert.equal((await send({ method: 'HEAD' })).body.length, 0)
  })
})
