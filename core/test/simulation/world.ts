import { StreambedError, sleep, type FileSystem } from '@streambed/sdk'
import { SeededRandom, SimulatedFileSystem, VirtualClock, type FaultPlan, type FileFault, type FileOperation } from '@streambed/sdk/testing'
import fsObjectStore from '@streambed/object-store-fs'
import type { BrokerConfig } from '../../src/main/config/broker-config.ts'
import { References } from '@streambed/sdk/node'
import { Origin } from '../../src/main/config/origin.ts'
import type { OpenBroker } from '../../src/main/open-broker.ts'
import { runBroker } from '../../src/main/run-broker.ts'
import { defaultServerLimits } from '../../src/server/limits.ts'
import { MemoryNetwork } from '../support/memory-network.ts'
import { SimulatedService, folders, isOfLog, simulatedBackends, storageConfig, type BackendSabotage } from './backends.ts'
import { Rising, Violation } from './checker.ts'
import type { Profile } from './profile.ts'
import { SimulatedProcess } from './simulated-process.ts'
import { Trace } from './trace.ts'

/** Breaks the system on purpose, to prove that the checkers see it. */
export interface Sabotage extends BackendSabotage {
  readonly fileSystem?: (fileSystem: FileSystem) => FileSystem
}

export interface WorldOptions {
  readonly random: SeededRandom
  readonly profile: Profile
  readonly keepsTrace: boolean
  readonly sabotage?: Sabotage
}

export const address = Object.freeze({ host: '127.0.0.1', port: 9092 })
/** Beside what may be tried again, all that a broker may end with. Anything else says that it cannot make sense of its own data. */
const excuses = ['OUTCOME_UNKNOWN', 'CLOSED', 'ABORTED'] as const

/** One machine: its clock, disk and network, the broker that runs on it, and what goes wrong. */
export class World {
  readonly clock = new VirtualClock()
  readonly random: SeededRandom
  readonly profile: Profile
  readonly trace: Trace
  readonly network: MemoryNetwork
  readonly fileSystem: SimulatedFileSystem
  readonly service: SimulatedService
  /** The broker that serves, if one does. */
  broker: OpenBroker | undefined
  crashCount = 0
  openCount = 0
  /** Group logs written anew. */
  rewriteCount = 0
  /** Rejects with the first violation that the machine itself meets. */
  readonly violated = Promise.withResolvers<never>()
  readonly #nodeEpoch = new Rising('node epoch')
  readonly #options: WorldOptions
  readonly #chaos: SeededRandom
  #isChaotic = true
  #process: SimulatedProcess | undefined
  #onDeath: (() => void) | undefined
  #stop = new AbortController()
  #processCount = 0
  #operationsToCrash: number
  #isEnded = false

  constructor (options: WorldOptions) {
    const { keepsTrace, profile, random } = options
    this.#options = options
    this.random = random
    this.profile = profile
    this.#chaos = random.fork('chaos')
    this.trace = new Trace({ isKept: keepsTrace, nowMs: () => this.clock.monotonicMs() })
    const latency = random.fork('network')
    this.network = new MemoryNetwork({ clock: this.clock, latencyMs: () => profile.networkLatencyMs * (0.2 + latency.fraction()) })
    this.fileSystem = new SimulatedFileSystem({ clock: this.clock, random: random.fork('disk'), plan: (...operation) => this.#fileFault(...operation) })
    this.service = new SimulatedService(() => this.clock.wallMs(), (request, when) => this.#disturbRequest(request, when))
    this.#operationsToCrash = this.#untilCrash()
  }

  get isChaotic (): boolean { return this.#isChaotic }

  sleep (ms: number): Promise<void> { return sleep(this.clock, ms) }

  /** From now on nothing goes wrong any more. */
  calmDown (): void {
    this.trace.add('calm')
    this.#isChaotic = false
  }

  /** Runs broker after broker until `end`. */
  async keepRunning (): Promise<void> {
    await Promise.all([this.#supervise(), this.#crashNowAndThen()])
  }

  /** Power failure, or only the end of the process. */
  crash (kind: 'crash' | 'kill'): void {
    if (this.#process?.isAlive !== true) return
    this.#die(kind)
    if (kind === 'crash') this.fileSystem.crash()
    else this.fileSystem.kill()
  }

  /** Asks the broker to end, as an operator would; resolves once the next is up. */
  async restart (): Promise<void> {
    const before = this.openCount
    this.trace.add('stop')
    this.#stop.abort()
    await this.untilReady(before)
  }

  async untilReady (afterCount = 0): Promise<OpenBroker> {
    while (this.broker === undefined || this.openCount <= afterCount) await this.sleep(20)
    return this.broker
  }

  end (): void {
    this.#isEnded = true
    this.#stop.abort()
  }

  /** The bucket's keys, read behind the broker's back; without those of logs that live in it. */
  async objectKeys (): Promise<string[]> {
    const keys = this.profile.backends.store === 'fs' ? await this.#keysOnDisk() : this.service.medium.sortedKeys('')
    return keys.filter(key => !isOfLog(key))
  }

  async #keysOnDisk (): Promise<string[]> {
    const reader = new SimulatedProcess({ clock: this.clock, random: this.random.fork('reader'), fileSystem: this.fileSystem, network: this.network, log: () => undefined })
    await using store = await fsObjectStore.open({ path: folders.objects }, reader.environment)
    const { objects } = await store.list('')
    return objects.map(({ key }) => key)
  }

  async #supervise (): Promise<void> {
    while (!this.#isEnded) {
      const process = this.#start()
      this.#stop = new AbortController()
      const died = new Promise<void>(resolve => { this.#onDeath = resolve })
      const config = this.#config()
      const backends = await simulatedBackends(this.profile.backends, config.storage, {
        service: this.service,
        guard: call => process.guard(call),
        faults: label => this.#faults(label, label === 'store' ? this.profile.storeFaultRate : this.profile.metadataFaultRate),
        sabotage: this.#options.sabotage
      })
      const ran = runBroker({ config, host: { environment: process.environment, network: process.network, backends, tuning: this.profile.tuning }, stop: this.#stop.signal, onReady: broker => this.#onReady(broker) })
        .then(() => this.trace.add('stopped'), (error: unknown) => this.#onExit(error))
      await Promise.race([died, ran])
      this.broker = undefined
      if (process.isAlive) {
        process.die(true)
        this.fileSystem.kill()
      }
      if (!this.#isEnded) await this.sleep(1 + this.#chaos.below(100))
    }
  }

  async #crashNowAndThen (): Promise<void> {
    const { crashEveryMs } = this.profile
    while (this.#isChaotic && crashEveryMs !== Infinity) {
      await this.sleep(this.#chaos.fraction() * 2 * crashEveryMs)
      if (!this.#isChaotic) return
      const draw = this.#chaos.fraction()
      if (draw < 0.2) this.#stop.abort()
      else this.crash(draw < 0.8 ? 'crash' : 'kill')
    }
  }

  #start (): SimulatedProcess {
    const number = ++this.#processCount
    this.trace.add(`start process ${number}`)
    this.#process = new SimulatedProcess({
      clock: this.clock,
      random: this.random.fork(`process ${number}`),
      fileSystem: this.#options.sabotage?.fileSystem?.(this.fileSystem) ?? this.fileSystem,
      network: this.network,
      log: line => this.#onLog(line)
    })
    return this.#process
  }

  #onLog (line: string): void {
    this.trace.add(`broker: ${line}`)
    if (line.includes('differs from the replay of its log')) this.violated.reject(new Violation('state-diverged', line))
    if (line.includes('wrote a coordinator')) this.rewriteCount++
  }

  #onReady (broker: OpenBroker): void {
    const { nodeEpoch } = broker.registration
    this.trace.add(`ready epoch=${nodeEpoch}`)
    try {
      this.#nodeEpoch.saw(nodeEpoch, this.#nodeEpoch.newest, true)
    } catch (error) {
      // Thrown here it would only make the broker open anew.
      this.violated.reject(error)
    }
    this.openCount++
    this.broker = broker
  }

  #onExit (error: unknown): void {
    this.trace.add(`exit ${String(error)}`)
    if (!StreambedError.is(error) || !(error.retriable || StreambedError.is(error, ...excuses))) throw new Violation('refused-to-open', error instanceof Error ? error.stack ?? error.message : String(error))
  }

  #die (kind: 'crash' | 'kill'): void {
    this.trace.add(kind)
    this.crashCount++
    this.#operationsToCrash = this.#untilCrash()
    this.broker = undefined
    this.#process!.die(this.#chaos.fraction() < 0.5)
    this.#onDeath?.()
  }

  #untilCrash (): number {
    const { crashEveryOperations } = this.profile
    return crashEveryOperations === Infinity ? Infinity : 1 + Math.floor(this.#chaos.fraction() * 2 * crashEveryOperations)
  }

  #fileFault (operation: FileOperation, path: string, bytes: number): FileFault | undefined {
    this.trace.add(`file ${operation} ${path} ${bytes}`)
    if (!this.#isChaotic) return undefined
    const { failedFileRate, fullDiskRate, slowFileMs, slowFileRate } = this.profile
    const end = this.#crashAtOperation()
    if (end !== undefined) return end
    const draw = this.#chaos.fraction()
    // Closing a file ends its lock, whatever the system says of it.
    const canFail = operation !== 'unlock' && operation !== 'close'
    if (canFail && draw < failedFileRate) return { kind: 'fail', code: 'UNAVAILABLE' }
    if (operation === 'write' && draw < failedFileRate + fullDiskRate) return { kind: 'fail', code: 'OUT_OF_SPACE' }
    if (this.#chaos.fraction() < slowFileRate) return { kind: 'delay', ms: this.#chaos.fraction() * slowFileMs }
    return undefined
  }

  /** A request of the process takes its time both ways; it or its answer may be lost, and the process may die meanwhile. */
  async #disturbRequest (request: string, when: 'before' | 'after'): Promise<void> {
    this.trace.add(`request ${request} ${when}`)
    await this.sleep(this.profile.requestLatencyMs * this.#chaos.fraction())
    if (!this.#isChaotic) return
    const end = this.#crashAtOperation()
    if (end === 'crash') this.fileSystem.crash()
    else if (end === 'kill') this.fileSystem.kill()
    if (this.#chaos.fraction() >= this.profile.storeFaultRate / 2) return
    this.trace.add(`request ${request} lost ${when}`)
    throw new Error('the connection was reset')
  }

  /** Counts down to the next death inside an operation; what it was, when it is now. */
  #crashAtOperation (): 'crash' | 'kill' | undefined {
    if (--this.#operationsToCrash > 0 || this.#process?.isAlive !== true) return undefined
    const kind = this.#chaos.fraction() < 0.75 ? 'crash' : 'kill'
    this.#die(kind)
    return kind
  }

  /** Slow, failing and ambiguous, each as often as the others. */
  #faults (label: string, rate: number): FaultPlan {
    return ({ key, method }) => {
      if (!this.#isChaotic || this.#chaos.fraction() >= rate) return { kind: 'none' }
      const kind = (['failBefore', 'failAfter', 'delay'] as const)[this.#chaos.below(3)]!
      this.trace.add(`${label} ${method} ${key ?? ''}: ${kind}`)
      return kind === 'delay' ? { kind, delayMs: this.#chaos.fraction() * 100 } : { kind }
    }
  }

  #config (): BrokerConfig {
    return {
      node: { id: 1, rack: null, listeners: [{ name: 'PLAINTEXT', ...address }] },
      storage: { ...storageConfig(this.profile.backends, this.profile.walBytes), engine: this.profile.storage },
      kafka: { 'auto.create.topics.enable': 'false', 'offsets.topic.num.partitions': '2', 'group.initial.rebalance.delay.ms': '10', 'group.min.session.timeout.ms': '100' },
      limits: defaultServerLimits,
      log: { level: 'info' },
      origin: new Origin('the simulation'),
      references: new References({}, '/'),
      baseFolder: '/'
    }
  }
}
