import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import tls from 'node:tls'
import { FaultProxy, Interception, type Rule } from '@streambed/conformance'
import { nodeEnvironment } from '@streambed/sdk/node'
import { SeededRandom } from '@streambed/sdk/testing'

interface Answer { readonly status: number, readonly body: string, readonly headers: http.IncomingHttpHeaders }

/** Whatever it is asked, it tells what came; counts, and remembers bodies. */
class Echo {
  readonly seen: { readonly method: string, readonly body: string, readonly host: string }[] = []
  readonly broken: number[] = []
  readonly listener: http.RequestListener = (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('error', () => { this.broken.push(Buffer.concat(chunks).length) })
    request.on('end', () => {
      this.seen.push({ method: request.method!, body: Buffer.concat(chunks).toString(), host: request.headers.host! })
      response.writeHead(200, { 'content-length': '10', 'x-answer': String(this.seen.length) }).end('0123456789')
    })
  }
}

describe('the fault proxy', () => {
  const environment = { ...nodeEnvironment(), random: new SeededRandom('proxy') }
  let echo: Echo
  let server: http.Server
  let proxy: FaultProxy

  beforeEach(async () => {
    echo = new Echo()
    server = http.createServer(echo.listener)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    proxy = await FaultProxy.open(new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/account`), environment)
  })
  afterEach(async () => {
    await proxy.close()
    server.closeAllConnections()
    server.close()
  })

  const ask = (method = 'GET', body?: string, headers: http.OutgoingHttpHeaders = {}): Promise<Answer> => answerOf(http.request(`${proxy.url}/object`, { method, agent: false, headers: { ...headers, ...body === undefined ? {} : { 'content-length': String(body.length) } } }), body)
  const under = (fault: Rule['fault'], more: Omit<Rule, 'fault'> = { times: 1 }): void => { proxy.set({ fault, ...more }) }

  it('passes requests and answers on as they are, the name of the host too', async () => {
    const answer = await ask('PUT', 'hello', { host: 'bucket.example', 'x-amz-date': 'now' })
    assert.deepEqual([answer.status, answer.body, answer.headers['x-answer']], [200, '0123456789', '1'])
    assert.deepEqual(echo.seen, [{ method: 'PUT', body: 'hello', host: 'bucket.example' }])
    assert.equal(proxy.url, `http://127.0.0.1:${proxy.port}/account`)
    assert.deepEqual([proxy.passages, proxy.writes, proxy.billed], [1, 1, { put: 1, get: 0, list: 0, delete: 0 }])
  })

  it("refuses in the service's own words, and changes nothing", async () => {
    under({ kind: 'refuse', as: 'throttled' }, {})
    const s3 = await ask('PUT', 'x')
    assert.deepEqual([s3.status, /<Code>(\w+)</.exec(s3.body)?.[1]], [503, 'SlowDown'])
    const azure = await ask('PUT', 'x', { 'x-ms-version': '2026-10-06' })
    assert.deepEqual([azure.status, azure.headers['x-ms-error-code']], [503, 'ServerBusy'])
    under({ kind: 'refuse', as: 'tooManyRequests' }, {})
    const google = await ask('GET', undefined, { 'x-goog-api-client': 'node' })
    assert.deepEqual([google.status, google.headers['retry-after'], (JSON.parse(google.body) as { error: { code: number } }).error.code], [429, '1', 429])
    assert.deepEqual(echo.seen, [])
  })

  it('resets a connection before a request reaches the service, or after it has', async () => {
    under({ kind: 'refuse', as: 'reset' })
    await assert.rejects(ask('PUT', 'x'), { code: 'ECONNRESET' })
    assert.equal(echo.seen.length, 0)
    under({ kind: 'loseAnswer', as: 'reset' })
    await assert.rejects(ask('PUT', 'x'), { code: 'ECONNRESET' })
    assert.equal(echo.seen.length, 1)
    under({ kind: 'loseAnswer', as: 'unavailable' })
    assert.equal((await ask('PUT', 'x')).status, 500)
    assert.equal(echo.seen.length, 2)
  })

  it('cuts a body on its way up, and an answer on its way down', async () => {
    const broken = new Promise<void>(resolve => { server.on('request', request => { request.on('error', () => { resolve() }) }) })
    under({ kind: 'cut' })
    await assert.rejects(ask('PUT', 'x'.repeat(1000)), { code: 'ECONNRESET' })
    await broken
    assert.deepEqual([echo.seen.length, echo.broken], [0, [500]])
    under({ kind: 'cut' })
    await assert.rejects(ask('GET'))
  })

  it('changes one bit, up or down', async () => {
    under({ kind: 'corrupt', way: 'up' })
    await ask('PUT', 'hello')
    assert.equal(echo.seen[0]?.body, `he${String.fromCharCode('l'.charCodeAt(0) ^ 0x10)}lo`)
    under({ kind: 'corrupt', way: 'down' })
    assert.equal((await ask()).body, `01234${String.fromCharCode('5'.charCodeAt(0) ^ 0x10)}6789`)
  })

  it('changes the bytes of the object where a body holds more', async () => {
    const sent = '--cut\r\ncontent-type: application/json\r\n\r\n{"name":"a long name of an object"}\r\n--cut\r\ncontent-type: application/octet-stream\r\n\r\nQ\r\n--cut--\r\n'
    under({ kind: 'corrupt', way: 'up' })
    await ask('POST', sent, { 'content-type': 'multipart/related; boundary=cut' })
    assert.equal(echo.seen[0]?.body, sent.replace('Q', String.fromCharCode('Q'.charCodeAt(0) ^ 0x10)))
  })

  it('sends twice, and gives the first answer', async () => {
    under({ kind: 'duplicate' })
    assert.equal((await ask('PUT', 'x')).headers['x-answer'], '1')
    assert.equal(echo.seen.length, 2)
  })

  it('holds a request until it is released, though its client has gone', async () => {
    under({ kind: 'hold' })
    const request = http.request(`${proxy.url}/object`, { method: 'PUT', agent: false, headers: { 'content-length': '4' } })
    request.on('error', () => undefined)
    request.end('late')
    while (proxy.held === 0) await new Promise(resolve => { setImmediate(resolve) })
    request.destroy()
    assert.equal(echo.seen.length, 0)
    const arrived = once(server, 'request')
    proxy.release()
    await arrived
    await proxy.close()
    assert.deepEqual(echo.seen.map(({ body }) => body), ['late'])
    proxy = await FaultProxy.open(new URL('http://127.0.0.1:1'), environment)
  })

  it('delays, and goes on at once when all is healed', async () => {
    under({ kind: 'delay', ms: 3_600_000 })
    const asked = ask()
    while (proxy.passages === 0) await new Promise(resolve => { setImmediate(resolve) })
    proxy.heal()
    assert.equal((await asked).status, 200)
  })

  it('chooses the same for the same seed, as often as it may', async () => {
    const choices = async (seed: string): Promise<number[]> => {
      const own = await FaultProxy.open(new URL(proxy.url), { ...environment, random: new SeededRandom(seed) })
      try {
        own.set({ fault: { kind: 'refuse', as: 'throttled' }, share: 0.5, times: 6 })
        const statuses: number[] = []
        for (let n = 0; n < 30; n++) statuses.push((await answerOf(http.request(`${own.url}/object`))).status)
        return statuses
      } finally {
        await own.close()
      }
    }
    const first = await choices('one')
    assert.deepEqual(await choices('one'), first)
    assert.notDeepEqual(await choices('another'), first)
    assert.equal(first.filter(status => status === 503).length, 6)
  })
})

describe('interception of HTTPS', () => {
  const pem = readFileSync(path.join(import.meta.dirname, 'fixtures/service-test.pem'), 'utf8')
  const environment = { ...nodeEnvironment(), random: new SeededRandom('tls') }
  let echo: Echo
  let server: https.Server
  let proxy: FaultProxy
  let interception: Interception
  let agent: https.Agent

  beforeEach(async () => {
    echo = new Echo()
    server = https.createServer({ key: pem, cert: pem }, echo.listener)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    proxy = await FaultProxy.open(new URL('https://service.test'), environment)
    interception = new Interception(['service.test'])
    interception.start()
    agent = new https.Agent({ keepAlive: true })
  })
  afterEach(async () => {
    interception.stop()
    agent.destroy()
    await proxy.close()
    server.closeAllConnections()
    server.close()
  })

  const port = (): number => (server.address() as AddressInfo).port
  const ask = (options: https.RequestOptions = {}): Promise<Answer> => answerOf(https.request({
    host: '127.0.0.1', port: port(), servername: 'bucket.service.test', path: '/object', agent, ca: pem, headers: { host: 'bucket.service.test' }, ...options
  }))

  it("puts the proxy in the way of a client that keeps its endpoint's name", async () => {
    const answer = await interception.through(proxy, () => ask())
    assert.deepEqual([answer.status, answer.body, echo.seen[0]?.host, proxy.passages], [200, '0123456789', 'bucket.service.test', 1])
    proxy.set({ fault: { kind: 'refuse', as: 'throttled' }, times: 1 })
    assert.equal((await interception.through(proxy, () => ask())).status, 503)
    assert.equal(echo.seen.length, 1)
  })

  it('checks the certificate as the client wants it', async () => {
    await assert.rejects(interception.through(proxy, () => ask({ ca: undefined, agent: new https.Agent() })))
    assert.equal(echo.seen.length, 0)
  })

  it('leaves other names, other callers, and all when it has stopped, alone', async () => {
    assert.equal((await ask()).status, 200)
    assert.equal((await interception.through(proxy, () => ask({ servername: 'service.test.example', agent: new https.Agent(), checkServerIdentity: () => undefined }))).status, 200)
    interception.stop()
    assert.equal((await interception.through(proxy, () => ask({ agent: new https.Agent() }))).status, 200)
    assert.equal(proxy.passages, 0)
  })

  it('gives tls.connect back', () => {
    const own = tls.connect
    interception.stop()
    assert.notEqual(tls.connect, own)
    const original = tls.connect
    interception.start()
    interception.stop()
    assert.equal(tls.connect, original)
  })
})

async function answerOf (request: http.ClientRequest, body?: string): Promise<Answer> {
  request.end(body)
  const [response] = await once(request, 'response') as [IncomingMessage]
  const chunks = await response.toArray() as Buffer[]
  return { status: response.statusCode!, body: Buffer.concat(chunks).toString(), headers: response.headers }
}
