import net from 'node:net'
import { StreambedError } from '@streambed/sdk'
import type { Connection, ConnectionEvents, Listening, Network } from './network.ts'

const backlog = 1_024
/** All sockets of the thread receive into this: whoever is called takes its bytes before the next read. */
const receiveBuffer = Buffer.allocUnsafeSlow(256 * 1024)

/** The real network. */
export const nodeNetwork: Network = {
  listen: (address, onConnection) => new Promise<Listening>((resolve, reject) => {
    const server = net.createServer({ noDelay: true, pauseOnConnect: true }, socket => onConnection(new NodeConnection(withReceiveBuffer(socket))))
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, address)))
    server.listen({ ...address, backlog }, () => {
      const { port } = server.address() as net.AddressInfo
      resolve({ port, close: () => new Promise(done => { server.close(() => done()) }) })
    })
  }),

  connect: address => new Promise<Connection>((resolve, reject) => {
    const socket = net.connect({ ...address, noDelay: true })
    socket.pause()
    const onError = (cause: Error): void => reject(new StreambedError('UNAVAILABLE', `cannot connect. host=${address.host} port=${address.port}; is a broker running there?`, { cause }))
    socket.once('error', onError)
    socket.once('connect', () => {
      socket.removeListener('error', onError)
      resolve(new NodeConnection(withReceiveBuffer(socket)))
    })
  })
}

interface Receiving {
  readonly socket: net.Socket
  onData: (bytes: Uint8Array) => void
}

/**
 * Takes over the connection of a socket that was never read, into one that reads into `receiveBuffer`. Node has that option
 * (`onread`) for sockets that it is asked to make, not for those that a server accepts. Without it every read allocates 64 KiB
 * anew, which makes the collector a fifth of the cost of a produce request.
 */
function withReceiveBuffer (socket: net.Socket): Receiving {
  const accepted = socket as net.Socket & { _handle: unknown }
  const handle = accepted._handle
  accepted._handle = null
  // The husk counts as one of its server's connections until it is destroyed; it closes nothing without its handle.
  accepted.destroy()
  const receiving: { onData: (bytes: Uint8Array) => void } = { onData: () => undefined }
  const own = new net.Socket({
    handle,
    onread: {
      buffer: receiveBuffer,
      callback: (count: number) => {
        receiving.onData(receiveBuffer.subarray(0, count))
        return true
      }
    }
  } as net.SocketConstructorOpts)
  own.setNoDelay(true)
  return Object.assign(receiving, { socket: own })
}

class NodeConnection implements Connection {
  readonly remoteAddress: string
  readonly #receiving: Receiving
  readonly #socket: net.Socket
  #isCorked = false

  constructor (receiving: Receiving) {
    this.#receiving = receiving
    this.#socket = receiving.socket
    this.remoteAddress = this.#socket.remoteAddress ?? ''
  }

  start ({ onClosed, onData, onDrained }: ConnectionEvents): void {
    this.#receiving.onData = onData
    this.#socket.on('drain', onDrained)
    this.#socket.once('close', onClosed)
    // `close` follows every error; a reset by the peer is its right.
    this.#socket.on('error', () => undefined)
    this.#socket.resume()
    this.#socket.read(0)
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

  /** A paused socket never learns that its peer has hung up too: from here on all that comes is read and dropped. */
  end (): void {
    this.#receiving.onData = () => undefined
    this.#socket.end()
    this.#socket.resume()
  }

  destroy (): void { this.#socket.destroy() }
}

function listenError (error: NodeJS.ErrnoException, { host, port }: { readonly host: string, readonly port: number }): StreambedError {
  const remedy = error.code === 'EADDRINUSE'
    ? 'another process listens there: stop it, or choose another port in node.listeners'
    : error.code === 'EACCES' ? 'this user may not listen on that port: choose one above 1023' : 'check node.listeners'
  return new StreambedError('MISCONFIGURED', `cannot listen. host=${host} port=${port} code=${error.code ?? 'unknown'}; ${remedy}`, { cause: error })
}
