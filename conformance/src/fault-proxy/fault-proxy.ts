import { once } from 'node:events'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { sleep, type Clock } from '@streambed/sdk'
import { FaultPlane, type PlaneContext } from '../faults/fault-plane.ts'
import type { Befalling, Refusal } from '../faults/fault.ts'
import { flipOne } from '../faults/store-plane.ts'
import { actionOf, answerOf, billingClassOf, contentOf, dialectOf, withOneFailure, type BillingClass, type Dialect, type RequestFacts } from './dialect.ts'

/** A body is held whole, so that it can be held back, sent twice, or changed; larger ones are refused. */
const bodyBytesMax = 256 * 2 ** 20
const paceMs = 50
/** Connections that wait to be accepted: 512 callers at once must not have theirs dropped, and wait a second for the next attempt. */
const backlog = 2_048

interface Exchange { readonly facts: RequestFacts, readonly rawHeaders: readonly string[], readonly body: Buffer, readonly dial: (() => Duplex) | undefined }
/** Waits, but not longer than until all is healed. */
type Pause = (ms: number) => Promise<void>
interface Asking { readonly socket: Socket, readonly response: ServerResponse, readonly isWrite: boolean, readonly pause: Pause }
interface Responding { readonly isResized: boolean, readonly fault: Befalling | undefined, readonly isHead: boolean, readonly pause: Pause }
interface Answered { readonly status: number, readonly rawHeaders: readonly string[], readonly body: Buffer }

/**
 * Stands between a plugin and an endpoint of HTTP, on this machine's loopback, and does to requests and answers what the
 * rules in force say. Requests go on with every header as it came, `Host` too: signatures stay valid.
 *
 * What a client has sent arrives at the service, though the client may be gone by then: delays and held requests land late.
 */
export class FaultProxy extends FaultPlane {
  readonly kind = 'endpoint'
  /** Requests that came, by how services bill them. */
  readonly billed: Record<BillingClass, number> = { put: 0, get: 0, list: 0, delete: 0 }
  /** Whose words the last request was in. */
  dialect: Dialect | undefined
  readonly #upstream: URL
  readonly #server: http.Server
  /** Not as many connections as there may be callers: a small server lets 511 wait, and drops the rest. */
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: 256 })
  readonly #dialers = new Map<number, () => Duplex>()
  readonly #underWay = new Set<Promise<void>>()
  /** Ends the pauses of what is slow now. */
  #hurry = new AbortController()

  /** `upstream`: where requests go, over plain HTTP; connections that `dialFor` names go where it says. */
  static async open (upstream: URL, context: PlaneContext): Promise<FaultProxy> {
    const proxy = new FaultProxy(upstream, context)
    proxy.#server.listen({ port: 0, host: '127.0.0.1', backlog })
    await once(proxy.#server, 'listening')
    return proxy
  }

  private constructor (upstream: URL, context: PlaneContext) {
    super(context)
    this.#upstream = upstream
    this.#server = http.createServer((request, response) => {
      const serving = this.#serve(request, response).catch((error: unknown) => { request.socket.destroy(error as Error) }).finally(() => this.#underWay.delete(serving))
      this.#underWay.add(serving)
    })
    // Time limits are faults that rules make.
    Object.assign(this.#server, { requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 0 })
  }

  get port (): number { return (this.#server.address() as AddressInfo).port }
  /** What a plugin is given for the endpoint. */
  get url (): string { return `http://127.0.0.1:${this.port}${this.#upstream.pathname === '/' ? '' : this.#upstream.pathname}` }

  /** The same under a name, for plugins that are to look it up. */
  urlBy (name: string): string { return this.url.replace('127.0.0.1', name) }

  /** Ends every connection, and goes on at another address of the loopback, at the same port. Rejects where there is no such address. */
  async moveTo (address: string): Promise<void> {
    const { port } = this
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
    this.#server.listen({ port, host: address, backlog })
    await once(this.#server, 'listening')
  }

  /** Requests on the connection that comes from local port `from` go on over what `dial` gives. */
  dialFor (from: number, dial: () => Duplex): void { this.#dialers.set(from, dial) }

  override heal (): void {
    super.heal()
    this.#hurry.abort()
    this.#hurry = new AbortController()
  }

  /** Ends connections and what is held. Nothing is under way afterwards. */
  async close (): Promise<void> {
    this.heal()
    this.#server.closeAllConnections()
    const closed = once(this.#server, 'close')
    this.#server.close()
    await closed
    this.#agent.destroy()
    await Promise.all(this.#underWay)
  }

  async #serve (request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => undefined)
    const facts: RequestFacts = { method: request.method ?? 'GET', path: request.url ?? '/', headers: request.headers }
    const action = actionOf(facts)
    this.dialect = dialectOf(facts)
    this.billed[billingClassOf(facts)]++
    const fault = this.choose({ action, call: facts.method, name: facts.path })
    const pause = pausing(this.clock, this.#hurry.signal)
    const body = await bodyOf(request, pause, fault?.kind === 'bandwidth' ? fault.bytesPerSecond : undefined)
    if (body === undefined) return
    const exchange: Exchange = { facts, rawHeaders: request.rawHeaders, body, dial: this.#dialers.get(request.socket.remotePort ?? -1) }
    await this.#befall(fault, exchange, { socket: request.socket, response, isWrite: action === 'write', pause })
  }

  async #befall (fault: Befalling | undefined, exchange: Exchange, { isWrite, pause, response, socket }: Asking): Promise<void> {
    const { body, facts } = exchange
    switch (fault?.kind) {
      case 'delay': await pause(fault.ms); break
      case 'hold': await fault.wait(); break
      case 'refuse': refuse(fault.as, facts, socket, response); return
      case 'loseAnswer':
        await this.#forward(exchange)
        refuse(fault.as, facts, socket, response)
        return
      case 'cut':
        if (!isWrite) break
        // The service sees a request that breaks off in its body.
        await this.#forward(exchange, body.length >> 1).catch(() => undefined)
        socket.resetAndDestroy()
        return
      case 'corrupt': if (fault.way === 'up') flipOne(contentOf(facts, body)); break
      default:
    }
    const answer = await this.#forward(exchange)
    if (fault?.kind === 'duplicate') await this.#forward(exchange).catch(() => undefined)
    if (fault?.kind === 'corrupt' && fault.way === 'down') flipOne(answer.body)
    const told = fault?.kind === 'failOneKey' ? withOneFailure(facts, body, answer.body) ?? answer.body : answer.body
    await respond(response, { ...answer, body: told }, { isResized: told.length !== answer.body.length, fault, isHead: facts.method === 'HEAD', pause })
  }

  /** Sends the request on; with `bytes`, only so many of its body before the connection breaks. */
  #forward ({ body, dial, facts, rawHeaders }: Exchange, bytes?: number): Promise<Answered> {
    return new Promise((resolve, reject) => {
      const onward = http.request({
        host: this.#upstream.hostname, port: this.#upstream.port || 80, method: facts.method, path: facts.path, headers: withoutHops(rawHeaders), setHost: false,
        ...dial === undefined ? { agent: this.#agent } : { createConnection: () => dial() }
      }, answer => {
        answer.toArray().then(chunks => { resolve({ status: answer.statusCode ?? 502, rawHeaders: answer.rawHeaders, body: Buffer.concat(chunks as Buffer[]) }) }, reject)
      })
      onward.on('error', reject)
      if (bytes === undefined) onward.end(body)
      else onward.write(body.subarray(0, bytes), () => { onward.destroy() })
      if (bytes === 0) onward.destroy()
    })
  }
}

function pausing (clock: Clock, signal: AbortSignal): Pause {
  return ms => signal.aborted ? Promise.resolve() : sleep(clock, ms, { signal }).catch(() => undefined)
}

function refuse (as: Refusal, facts: RequestFacts, socket: Socket, response: ServerResponse): void {
  if (as === 'reset') { socket.resetAndDestroy(); return }
  const { body, headers, status } = answerOf(as, facts)
  response.writeHead(status, { ...headers, 'content-length': String(Buffer.byteLength(body)) }).end(facts.method === 'HEAD' ? undefined : body)
}

async function respond (response: ServerResponse, { body, rawHeaders, status }: Answered, { fault, isHead, isResized, pause }: Responding): Promise<void> {
  const headers = withoutHops(rawHeaders, isResized ? ['content-length', 'transfer-encoding'] : [])
  if (isResized) headers.push('Content-Length', String(body.length))
  response.writeHead(status, headers)
  if (fault?.kind === 'cut' && body.length > 1) {
    await new Promise<void>(resolve => { response.write(body.subarray(0, body.length >> 1), () => { resolve() }) })
    // An orderly end in the middle: a reader that does not count takes it for the whole.
    response.socket?.end()
    return
  }
  if (fault?.kind === 'bandwidth') {
    const step = Math.max(1, Math.round(fault.bytesPerSecond * paceMs / 1000))
    for (let at = 0; at < body.length && !response.destroyed; at += step) {
      response.write(body.subarray(at, at + step))
      await pause(paceMs)
    }
  }
  response.end(isHead || fault?.kind === 'bandwidth' ? undefined : body)
}

/** The whole body; undefined when the client is gone before it was, or sends too much. */
async function bodyOf (request: IncomingMessage, pause: Pause, bytesPerSecond: number | undefined): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > bodyBytesMax) { request.socket.destroy(); return undefined }
      chunks.push(chunk)
      if (bytesPerSecond !== undefined) await pause(chunk.length / bytesPerSecond * 1000)
    }
  } catch { return undefined }
  return Buffer.concat(chunks)
}

/** Headers that hold for more than one connection, flat as they came. */
function withoutHops (rawHeaders: readonly string[], more: readonly string[] = []): string[] {
  const kept: string[] = []
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!.toLowerCase()
    if (!['connection', 'keep-alive', 'proxy-connection', 'expect', ...more].includes(name)) kept.push(rawHeaders[at]!, rawHeaders[at + 1]!)
  }
  return kept
}
