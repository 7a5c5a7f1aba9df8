import { once } from 'node:events'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A server of HTTP on a free port of this machine: what doubles of services, and what stands before them, have in common. */
export abstract class LoopbackServer {
  readonly #server = http.createServer((request, response) => { void this.take(request, response) })

  get endpoint (): string { return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}` }

  async listen (): Promise<this> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return this
  }

  async stop (): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  protected abstract take (request: IncomingMessage, response: ServerResponse): Promise<void>
}
