// Load on a raw socket: frames that are ready-made, so that the generator costs as little as it can.
import net from 'node:net'
import { performance } from 'node:perf_hooks'
import hdr from 'hdr-histogram-js'

export interface Target { readonly host: string, readonly port: number }

/** A connection that sends ready-made frames and counts the answers, which come in order. */
export class RawConnection {
  readonly #socket: net.Socket
  readonly #waiting: ((frame: Buffer) => void)[] = []
  #pieces: Buffer[] = []
  #bytes = 0

  private constructor (socket: net.Socket) {
    this.#socket = socket
    socket.on('data', bytes => this.#onData(bytes))
    socket.on('error', () => undefined)
    socket.on('close', () => { for (const resolve of this.#waiting.splice(0)) resolve(Buffer.alloc(0)) })
  }

  static open (target: Target): Promise<RawConnection> {
    return new Promise((resolve, reject) => {
      const socket = net.connect({ ...target, noDelay: true })
      socket.once('error', reject)
      socket.once('connect', () => { socket.removeListener('error', reject); resolve(new RawConnection(socket)) })
    })
  }

  /** Resolves with the answer, its size left out; empty when the connection ended. */
  request (frame: Uint8Array): Promise<Buffer> {
    return new Promise(resolve => {
      this.#waiting.push(resolve)
      this.#socket.write(frame)
    })
  }

  close (): void { this.#socket.destroy() }

  #onData (bytes: Buffer): void {
    this.#pieces.push(bytes)
    this.#bytes += bytes.length
    for (;;) {
      if (this.#bytes < 4) return
      if (this.#pieces[0]!.length < 4) this.#pieces = [Buffer.concat(this.#pieces)]
      const size = 4 + this.#pieces[0]!.readInt32BE(0)
      if (this.#bytes < size) return
      const all = this.#pieces.length === 1 ? this.#pieces[0]! : Buffer.concat(this.#pieces)
      this.#pieces = all.length === size ? [] : [all.subarray(size)]
      this.#bytes = all.length - size
      this.#waiting.shift()?.(all.subarray(4, size))
    }
  }
}

export interface Throughput { readonly megabytesPerSecond: number, readonly requestsPerSecond: number, readonly seconds: number }

/** Keeps `inFlight` requests on each connection until `durationMs` is over: how much gets through. */
export async function saturate (target: Target, frames: readonly Uint8Array[], payloadBytes: number, options: { readonly inFlight: number, readonly durationMs: number }): Promise<Throughput> {
  const connections = await Promise.all(frames.map(() => RawConnection.open(target)))
  const startMs = performance.now()
  const endMs = startMs + options.durationMs
  let done = 0
  await Promise.all(connections.flatMap((connection, index) => Array.from({ length: options.inFlight }, async () => {
    while (performance.now() < endMs) {
      const answer = await connection.request(frames[index]!)
      if (answer.length === 0) throw new Error('the server hung up')
      done++
    }
  })))
  const seconds = (performance.now() - startMs) / 1_000
  for (const connection of connections) connection.close()
  return { megabytesPerSecond: done * payloadBytes / 1e6 / seconds, requestsPerSecond: done / seconds, seconds }
}

export interface Latency { readonly p50: number, readonly p99: number, readonly p999: number, readonly max: number, readonly count: number, readonly achievedPerSecond: number }

/**
 * Open loop: request i is due at i / rate, whether or not earlier ones are answered, and its latency counts from when it
 * was due. So a stall shows in full (no coordinated omission).
 */
export async function openLoop (target: Target, frames: readonly Uint8Array[], options: { readonly requestsPerSecond: number, readonly durationMs: number }): Promise<Latency> {
  const connections = await Promise.all(frames.map(() => RawConnection.open(target)))
  const histogram = hdr.build({ lowestDiscernibleValue: 1, highestTrackableValue: 60_000_000, numberOfSignificantValueDigits: 3 })
  const total = Math.floor(options.requestsPerSecond * options.durationMs / 1_000)
  const startMs = performance.now()
  const pending: Promise<void>[] = []
  for (let sent = 0; sent < total;) {
    const dueCount = Math.min(total, Math.floor((performance.now() - startMs) * options.requestsPerSecond / 1_000))
    for (; sent < dueCount; sent++) {
      const dueMs = startMs + sent * 1_000 / options.requestsPerSecond
      const index = sent % connections.length
      pending.push(connections[index]!.request(frames[index]!).then(() => histogram.recordValue(Math.max(1, Math.round((performance.now() - dueMs) * 1_000)))))
    }
    // Asleep, not spinning: a generator that takes a whole core of two measures itself. What it is late by counts as latency.
    await new Promise(resolve => { setTimeout(resolve, 1) })
  }
  await Promise.all(pending)
  const seconds = (performance.now() - startMs) / 1_000
  for (const connection of connections) connection.close()
  const at = (percentile: number): number => histogram.getValueAtPercentile(percentile) / 1_000
  return { p50: at(50), p99: at(99), p999: at(99.9), max: histogram.maxValue / 1_000, count: total, achievedPerSecond: total / seconds }
}
