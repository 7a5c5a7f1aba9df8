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

export interface Given {
  readonly method: string | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly bytes: Buffer
  readonly range: RegExpExecArray | null
}

/** Answers with the bytes of an object, or with what exists of `range`: a match of its first and last byte. Gives the problem where none of it exists. */
export function giveBytes (response: ServerResponse, { bytes, headers, method, range }: Given): 'InvalidRange' | undefined {
  if (range === null) {
    response.writeHead(200, { ...headers, 'content-length': bytes.length }).end(method === 'HEAD' ? undefined : bytes)
    return undefined
  }
  const start = Number(range[1])
  const end = Math.min(bytes.length, Number(range[2]) + 1)
  if (start >= bytes.length) return 'InvalidRange'
  response.writeHead(206, { ...headers, 'content-length': end - start, 'content-range': `bytes ${start}-${end - 1}/${bytes.length}` }).end(bytes.subarray(start, end))
  return undefined
}
