import type { Clock, DirectoryEntry, Environment, FileHandle, FileLock, FileMode, FileStat, FileSystem, LogFields, Logger, OpenOptions, Random, Timer } from '@streambed/sdk'
import { StreambedError } from '@streambed/sdk'
import { crc32c } from '../../src/protocol/records/crc32c.ts'
import type { Connection, ConnectionEvents, Listening, Network } from '../../src/runtime/network.ts'

export interface ProcessHost {
  readonly clock: Clock
  readonly random: Random
  readonly fileSystem: FileSystem
  readonly network: Network
  readonly log: (line: string) => void
  /** Added to the ports that it listens on: processes do not share one, as if each were on a host of its own. */
  readonly portShift?: number
}

const noMetrics = { count: () => undefined, gauge: () => undefined, observe: () => undefined }

/** A crash of the machine has freed its locks already. */
function ignoreLossOfHost (error: unknown): void {
  if (!(error instanceof StreambedError && error.code === 'UNAVAILABLE')) throw error
}

/**
 * The world as one broker process sees it. Once the process is dead nothing that it left behind, a timer, a call that
 * waits, a connection, reaches the world or is answered by it: its code stands still for ever. While it is paused all that would
 * reach it is kept, in order, until it is resumed.
 */
export class SimulatedProcess {
  readonly environment: Environment
  readonly network: Network
  readonly #host: ProcessHost
  readonly #timers = new Set<Timer>()
  readonly #listening = new Set<Listening>()
  readonly #connections = new Set<Connection>()
  readonly #locks = new Set<FileLock>()
  /** Calls that the file system has not ended, whether or not anybody waits for them. */
  #inFlight = new Set<Promise<unknown>>()
  #held: (() => void)[] | undefined
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
  get isPaused (): boolean { return this.#held !== undefined }

  /** It stands still, as one that is stopped, swapped out, or on a host that is; what it has sent still takes effect. */
  pause (): void { if (this.#isAlive) this.#held ??= [] }

  /** It goes on, and believes that no time has passed but by its clock. */
  resume (): void {
    const held = this.#held ?? []
    this.#held = undefined
    for (const [index, action] of held.entries()) {
      // One of them may pause it again.
      if (this.isPaused) return void this.#held!.unshift(...held.slice(index))
      if (this.#isAlive) action()
    }
  }

  /** What a system does at the end of a process that others share its disks with: waits for what it has begun, then unlocks. */
  async cleanUp (): Promise<void> {
    while (this.#inFlight.size > 0) await Promise.allSettled(this.#inFlight)
    for (const lock of this.#locks) await lock.release().catch(ignoreLossOfHost)
    this.#locks.clear()
  }

  /** Ends it at once. `flushes`: what it had sent still arrives; else its connections are cut with what was on its way. */
  die (flushes: boolean): void {
    if (!this.#isAlive) return
    this.#isAlive = false
    this.#held = undefined
    for (const timer of this.#timers) timer.cancel()
    for (const listening of this.#listening) void listening.close()
    for (const connection of this.#connections) {
      if (flushes) connection.end()
      else connection.destroy()
    }
  }

  #schedule (delayMs: number, action: () => void): Timer {
    if (!this.#isAlive) return { cancel: () => undefined }
    let isCancelled = false
    const timer = this.#host.clock.schedule(delayMs, () => {
      this.#timers.delete(timer)
      this.#deliver(() => { if (!isCancelled) action() })
    })
    this.#timers.add(timer)
    return {
      cancel: () => {
        isCancelled = true
        this.#timers.delete(timer)
        timer.cancel()
      }
    }
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
      call().then(value => this.#deliver(() => resolve(value)), (error: unknown) => this.#deliver(() => reject(error as Error)))
    })
  }

  #deliver (action: () => void): void {
    if (!this.#isAlive) return
    if (this.#held === undefined) action()
    else this.#held.push(action)
  }

  /** As `guard`, for a call of the file system. */
  #file<T> (call: () => Promise<T>): Promise<T> {
    return this.guard(() => {
      const called = call()
      this.#inFlight.add(called)
      const ended = (): void => { this.#inFlight.delete(called) }
      called.then(ended, ended)
      return called
    })
  }

  #fileSystem (): FileSystem {
    const { fileSystem } = this.#host
    return {
      open: async (path: string, mode: FileMode, options?: OpenOptions): Promise<FileHandle> => this.#handle(await this.#file(() => fileSystem.open(path, mode, options))),
      readFile: (path: string): Promise<Uint8Array> => this.#file(() => fileSystem.readFile(path)),
      makeDirectory: (path: string): Promise<void> => this.#file(() => fileSystem.makeDirectory(path)),
      list: (path: string): Promise<readonly DirectoryEntry[]> => this.#file(() => fileSystem.list(path)),
      stat: (path: string): Promise<FileStat> => this.#file(() => fileSystem.stat(path)),
      rename: (from: string, to: string): Promise<void> => this.#file(() => fileSystem.rename(from, to)),
      link: (from: string, to: string): Promise<void> => this.#file(() => fileSystem.link(from, to)),
      remove: (path: string): Promise<void> => this.#file(() => fileSystem.remove(path)),
      removeDirectory: (path: string): Promise<void> => this.#file(() => fileSystem.removeDirectory(path)),
      syncDirectory: (path: string): Promise<void> => this.#file(() => fileSystem.syncDirectory(path)),
      lock: async (path: string): Promise<FileLock> => {
        const lock = await this.#file(async () => {
          const taken = await fileSystem.lock(path)
          this.#locks.add(taken)
          return taken
        })
        return {
          release: () => this.#file(async () => {
            this.#locks.delete(lock)
            await lock.release()
          })
        }
      }
    }
  }

  #handle (inner: FileHandle): FileHandle {
    return {
      read: (target, position) => this.#file(() => inner.read(target, position)),
      write: (chunks, position) => this.#file(() => inner.write(chunks, position)),
      datasync: () => this.#file(() => inner.datasync()),
      truncate: size => this.#file(() => inner.truncate(size)),
      size: () => this.#file(() => inner.size()),
      close: () => this.#file(() => inner.close())
    }
  }

  async #listen (address: { readonly host: string, readonly port: number }, onConnection: (connection: Connection) => void): Promise<Listening> {
    const inner = await this.guard(() => this.#host.network.listen({ ...address, port: address.port + (this.#host.portShift ?? 0) }, connection => {
      if (this.#isAlive) this.#deliver(() => onConnection(this.#connection(connection)))
      else connection.destroy()
    }))
    this.#listening.add(inner)
    return { port: address.port, close: () => this.guard(() => { this.#listening.delete(inner); return inner.close() }) }
  }

  #connection (inner: Connection): Connection {
    this.#connections.add(inner)
    const whileAlive = (action: () => void): void => { if (this.#isAlive) action() }
    return {
      remoteAddress: inner.remoteAddress,
      start: (events: ConnectionEvents) => inner.start({
        onData: bytes => this.#deliver(() => events.onData(bytes)),
        onDrained: () => this.#deliver(() => events.onDrained()),
        onClosed: () => this.#deliver(() => {
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
