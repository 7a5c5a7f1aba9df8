import type { Clock, DirectoryEntry, Environment, FileHandle, FileLock, FileMode, FileStat, FileSystem, LogFields, Logger, OpenOptions, Random, Timer } from '@streambed/sdk'
import { crc32c } from '../../src/protocol/records/crc32c.ts'
import type { Connection, ConnectionEvents, Listening, Network } from '../../src/runtime/network.ts'

export interface ProcessHost {
  readonly clock: Clock
  readonly random: Random
  readonly fileSystem: FileSystem
  readonly network: Network
  readonly log: (line: string) => void
}

const noMetrics = { count: () => undefined, gauge: () => undefined, observe: () => undefined }

/**
 * The world as one broker process sees it. Once the process is dead nothing that it left behind, a timer, a call that
 * waits, a connection, reaches the world or is answered by it: its code stands still for ever.
 */
export class SimulatedProcess {
  readonly environment: Environment
  readonly network: Network
  readonly #host: ProcessHost
  readonly #timers = new Set<Timer>()
  readonly #listening = new Set<Listening>()
  readonly #connections = new Set<Connection>()
  #isAlive = true

  constructor (host: ProcessHost) {
    this.#host = host
    const clock: Clock = {
      monotonicMs: () => host.clock.monotonicMs(),
      wallMs: () => host.clock.wallMs(),
      schedule: (delayMs, action) => this.#schedule(delayMs, action)
    }
    this.environment = {
      clock,
      random: host.random,
      logger: this.#logger(),
      metrics: noMetrics,
      fileSystem: this.#fileSystem(),
      crc32c,
      yieldTurn: () => new Promise(resolve => { clock.schedule(host.random.fraction() / 10, resolve) })
    }
    this.network = { listen: (address, onConnection) => this.#listen(address, onConnection), connect: address => this.guard(() => host.network.connect(address)) }
  }

  get isAlive (): boolean { return this.#isAlive }

  /** Ends it at once. `flushes`: what it had sent still arrives; else its connections are cut with what was on its way. */
  die (flushes: boolean): void {
    if (!this.#isAlive) return
    this.#isAlive = false
    for (const timer of this.#timers) timer.cancel()
    for (const listening of this.#listening) void listening.close()
    for (const connection of this.#connections) {
      if (flushes) connection.end()
      else connection.destroy()
    }
  }

  #schedule (delayMs: number, action: () => void): Timer {
    if (!this.#isAlive) return { cancel: () => undefined }
    const timer = this.#host.clock.schedule(delayMs, () => {
      this.#timers.delete(timer)
      if (this.#isAlive) action()
    })
    this.#timers.add(timer)
    return { cancel: () => { this.#timers.delete(timer); timer.cancel() } }
  }

  #logger (): Logger {
    const at = (level: string) => (message: string, fields?: LogFields): void => {
      if (this.#isAlive) this.#host.log(`${level} ${message}${fields === undefined ? '' : ` ${JSON.stringify(fields)}`}`)
    }
    const logger: Logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), child: () => logger }
    return logger
  }

  /** The call's outcome, while the process lives to hear of it. */
  guard<T> (call: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (!this.#isAlive) return
      call().then(value => { if (this.#isAlive) resolve(value) }, (error: unknown) => { if (this.#isAlive) reject(error) })
    })
  }

  #fileSystem (): FileSystem {
    const { fileSystem } = this.#host
    return {
      open: async (path: string, mode: FileMode, options?: OpenOptions): Promise<FileHandle> => this.#handle(await this.guard(() => fileSystem.open(path, mode, options))),
      readFile: (path: string): Promise<Uint8Array> => this.guard(() => fileSystem.readFile(path)),
      makeDirectory: (path: string): Promise<void> => this.guard(() => fileSystem.makeDirectory(path)),
      list: (path: string): Promise<readonly DirectoryEntry[]> => this.guard(() => fileSystem.list(path)),
      stat: (path: string): Promise<FileStat> => this.guard(() => fileSystem.stat(path)),
      rename: (from: string, to: string): Promise<void> => this.guard(() => fileSystem.rename(from, to)),
      link: (from: string, to: string): Promise<void> => this.guard(() => fileSystem.link(from, to)),
      remove: (path: string): Promise<void> => this.guard(() => fileSystem.remove(path)),
      removeDirectory: (path: string): Promise<void> => this.guard(() => fileSystem.removeDirectory(path)),
      syncDirectory: (path: string): Promise<void> => this.guard(() => fileSystem.syncDirectory(path)),
      lock: async (path: string): Promise<FileLock> => {
        const lock = await this.guard(() => fileSystem.lock(path))
        return { release: () => this.guard(() => lock.release()) }
      }
    }
  }

  #handle (inner: FileHandle): FileHandle {
    return {
      read: (target, position) => this.guard(() => inner.read(target, position)),
      write: (chunks, position) => this.guard(() => inner.write(chunks, position)),
      datasync: () => this.guard(() => inner.datasync()),
      truncate: size => this.guard(() => inner.truncate(size)),
      size: () => this.guard(() => inner.size()),
      close: () => this.guard(() => inner.close())
    }
  }

  async #listen (address: { readonly host: string, readonly port: number }, onConnection: (connection: Connection) => void): Promise<Listening> {
    const inner = await this.guard(() => this.#host.network.listen(address, connection => {
      if (this.#isAlive) onConnection(this.#connection(connection))
      else connection.destroy()
    }))
    this.#listening.add(inner)
    return { port: inner.port, close: () => this.guard(() => { this.#listening.delete(inner); return inner.close() }) }
  }

  #connection (inner: Connection): Connection {
    this.#connections.add(inner)
    const whileAlive = (action: () => void): void => { if (this.#isAlive) action() }
    return {
      remoteAddress: inner.remoteAddress,
      start: (events: ConnectionEvents) => inner.start({
        onData: bytes => whileAlive(() => events.onData(bytes)),
        onDrained: () => whileAlive(() => events.onDrained()),
        onClosed: () => whileAlive(() => {
          this.#connections.delete(inner)
          events.onClosed()
        })
      }),
      write: chunks => !this.#isAlive || inner.write(chunks),
      get unsentBytes () { return inner.unsentBytes },
      pause: () => whileAlive(() => inner.pause()),
      resume: () => whileAlive(() => inner.resume()),
      end: () => whileAlive(() => inner.end()),
      destroy: () => whileAlive(() => inner.destroy())
    }
  }
}
