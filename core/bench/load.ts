// Load on a raw socket: frames that are ready-made, so that the generator costs as little as it can.
import net from 'node:net'
import { performance } from 'node:perf_hooks'
import hdr from 'hdr-histogram-js'

export interface Target { readonly host: string, readonly port: number }

/** All sockets of the generator receive into it: reading costs it no memory, as it costs the ceiling none. */
const receiveBuffer = Buffer.allocUnsafeSlow(1024 * 1024)
const sizeBytes = 4
/** Larger answers are put into memory that the connection uses again. */
const ownBytesMax = 64 * 1024

/** A connection that sends ready-made frames and counts the answers, which come in order. */
export class RawConnection {
  readonly #socket: net.Socket
  readonly #waiting: ((frame: Buffer) => void)[] = []
  readonly #size = Buffer.alloc(sizeBytes)
  #sizeFilled = 0
  #large = Buffer.alloc(0)
  /** The answer at hand; undefined between two. */
  #frame: Buffer | undefined
  #filled = 0

  private constructor (connect: (onRead: net.OnReadOpts) => net.Socket) {
    this.#socket = connect({ buffer: receiveBuffer, callback: count => { this.#onData(receiveBuffer.subarray(0, count)); return true } })
    this.#socket.on('error', () => undefined)
    this.#socket.on('close', () => { for (const resolve of this.#waiting.splice(0)) resolve(Buffer.alloc(0)) })
  }

  static open (target: Target): Promise<RawConnection> {
    return new Promise((resolve, reject) => {
      const opened = new RawConnection(onread => net.connect({ ...target, noDelay: true, onread }))
      opened.#socket.once('error', reject)
      opened.#socket.once('connect', () => { opened.#socket.removeListener('error', reject); resolve(opened) })
    })
  }

  /**
   * Resolves with the answer, its size left out; empty when the connection ended. One of more than 64 KiB is to be read before the next
   * such answer comes.
   */
  request (frame: Uint8Array): Promise<Buffer> {
    return new Promise(resolve => {
      this.#waiting.push(resolve)
      this.#socket.write(frame)
    })
  }

  close (): void { this.#socket.destroy() }

  #onData (bytes: Buffer): void {
    for (let at = 0; at < bytes.length;) {
      if (this.#frame === undefined) {
        this.#size[this.#sizeFilled++] = bytes[at++]!
        if (this.#sizeFilled < sizeBytes) continue
        this.#sizeFilled = 0
        this.#frame = this.#memoryFor(this.#size.readInt32BE(0))
        this.#filled = 0
      }
      const taken = bytes.copy(this.#frame, this.#filled, at, at + this.#frame.length - this.#filled)
      at += taken
      this.#filled += taken
      if (this.#filled < this.#frame.length) return
      const whole = this.#frame
      this.#frame = undefined
      this.#waiting.shift()?.(whole)
    }
  }

  #memoryFor (size: number): Buffer {
    if (size <= ownBytesMax) return Buffer.allocUnsafe(size)
    if (this.#large.length < size) this.#large = Buffer.allocUnsafeSlow(size)
    return this.#large.subarray(0, size)
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
