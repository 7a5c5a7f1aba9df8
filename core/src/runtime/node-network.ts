import net from 'node:net'
import { StreambedError } from '@streambed/sdk'
import type { Connection, ConnectionEvents, Listening, Network } from './network.ts'

const backlog = 1_024

/** The real network. */
export const nodeNetwork: Network = {
  listen: (address, onConnection) => new Promise<Listening>((resolve, reject) => {
    const server = net.createServer({ noDelay: true, pauseOnConnect: true }, socket => onConnection(new NodeConnection(socket)))
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, address)))
    server.listen({ ...address, backlog }, () => {
      const { port } = server.address() as net.AddressInfo
      resolve({ port, close: () => new Promise(done => { server.close(() => done()) }) })
    })
  }),

  connect: address => new Promise<Connection>((resolve, reject) => {
    const socket = net.connect({ ...address, noDelay: true })
    const onError = (cause: Error): void => reject(new StreambedError('UNAVAILABLE', `cannot connect. host=${address.host} port=${address.port}; is a broker running there?`, { cause }))
    socket.once('error', onError)
    socket.once('connect', () => {
      socket.removeListener('error', onError)
      socket.pause()
      resolve(new NodeConnection(socket))
    })
  })
}

class NodeConnection implements Connection {
  readonly remoteAddress: string
  readonly #socket: net.Socket
  #isCorked = false

  constructor (socket: net.Socket) {
    this.#socket = socket
    this.remoteAddress = socket.remoteAddress ?? ''
  }

  start ({ onClosed, onData, onDrained }: ConnectionEvents): void {
    this.#socket.on('data', onData)
    this.#socket.on('drain', onDrained)
    this.#socket.once('close', onClosed)
    // `close` follows every error; a reset by the peer is its right.
    this.#socket.on('error', () => undefined)
    this.#socket.resume()
  }

  write (chunks: readonly Uint8Array[]): boolean {
    // Answers that are ready in one turn leave in one system call.
    if (!this.#isCorked) {
      this.#isCorked = true
      this.#socket.cork()
      process.nextTick(() => {
        this.#isCorked = false
        this.#socket.uncork()
      })
    }
    for (const chunk of chunks) this.#socket.write(chunk)
    return !this.#socket.writableNeedDrain
  }

  get unsentBytes (): number { return this.#socket.writableLength }
  pause (): void { this.#socket.pause() }
  resume (): void { this.#socket.resume() }
  end (): void { this.#socket.end() }
  destroy (): void { this.#socket.destroy() }
}

function listenError (error: NodeJS.ErrnoException, { host, port }: { readonly host: string, readonly port: number }): StreambedError {
  const remedy = error.code === 'EADDRINUSE'
    ? 'another process listens there: stop it, or choose another port in node.listeners'
    : error.code === 'EACCES' ? 'this user may not listen on that port: choose one above 1023' : 'check node.listeners'
  return new StreambedError('MISCONFIGURED', `cannot listen. host=${host} port=${port} code=${error.code ?? 'unknown'}; ${remedy}`, { cause: error })
}
