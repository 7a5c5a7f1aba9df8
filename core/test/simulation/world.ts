import { StreambedError, sleep, type FileSystem, type ObjectStore } from '@streambed/sdk'
import { SeededRandom, SimulatedFileSystem, VirtualClock, type FaultPlan, type FileFault, type FileOperation } from '@streambed/sdk/testing'
import fsObjectStore from '@streambed/object-store-fs'
import { References } from '@streambed/sdk/node'
import type { LoadedBackends } from '../../src/main/backends.ts'
import type { BrokerConfig } from '../../src/main/config/broker-config.ts'
import { Origin } from '../../src/main/config/origin.ts'
import type { OpenBroker } from '../../src/main/open-broker.ts'
import { runBroker } from '../../src/main/run-broker.ts'
import { defaultBatchChecks } from '../../src/broker/partition/batch-checks.ts'
import { defaultServerLimits } from '../../src/server/limits.ts'
import { MemoryNetwork } from '../support/memory-network.ts'
import { SimulatedService, folders, isOfLog, simulatedBackends, storageConfig, walKinds, type BackendSabotage, type WalPlace } from './backends.ts'
import { Rising, Violation } from './checker.ts'
import { appendFaults, callFaults, lies, lyingStore } from './faults.ts'
import { Life, type Ending } from './life.ts'
import { Media } from './media.ts'
import type { Profile } from './profile.ts'
import { Reached, type Event } from './reached.ts'
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

/** Each process listens on a port of its own after this one. */
const basePort = 9_092
/** Beside what may be tried again, all that a broker may end with. Anything else says that it cannot make sense of its own data. */
const excuses = ['OUTCOME_UNKNOWN', 'CLOSED', 'ABORTED'] as const
/** What says of a medium that it is not the one it was, or not whole. */
const refusals = ['WRONG_MEDIUM', 'CORRUPT', 'MISCONFIGURED', 'NOT_FOUND'] as const
/** Within that time, once nothing goes wrong any more, a process finds out that another took over. */
const overtakenMsMax = 30_000
/** The longest that a request of `lateRequestRate` is under way: less than a store waits for its answer. */
const lateRequestMsMax = 4_000

/** One node and what it runs on: its clock, media and network, the processes that are it, and what goes wrong. */
export class World {
  readonly clock = new VirtualClock()
  readonly random: SeededRandom
  readonly profile: Profile
  readonly trace: Trace
  readonly network: MemoryNetwork
  readonly fileSystem: SimulatedFileSystem
  readonly service: SimulatedService
  readonly reached = new Reached()
  /** The broker that serves, if one does. */
  broker: OpenBroker | undefined
  crashCount = 0
  openCount = 0
  /** Rejects with the first violation that the machine itself meets. */
  readonly violated = Promise.withResolvers<never>()
  readonly #nodeEpoch = new Rising('node epoch')
  readonly #options: WorldOptions
  readonly #chaos: SeededRandom
  readonly #media: Media
  readonly #faults: Readonly<Record<'store' | 'metadata' | 'wal', FaultPlan>>
  readonly #lies: (store: ObjectStore) => ObjectStore
  readonly #late: SeededRandom
  #isChaotic = true
  #life: Life | undefined
  /** Processes of the node beside it, that were paused when it began. */
  readonly #others = new Set<Life>()
  #intermission: { readonly action: () => Promise<void>, readonly done: () => void } | undefined
  #wal: WalPlace
  /** Whoever puts a wrong copy back waits for what the start says of it: killed meanwhile, it may leave an epoch in the WAL. */
  #isOnWrongMedium = false
  #servingNumber = 0
  #processCount = 0
  #operationsToCrash: number
  #isEnded = false

  constructor (options: WorldOptions) {
    const { keepsTrace, profile, random } = options
    const { lives, metadataFaultRate, storeFaultRate } = profile
    this.#options = options
    this.random = random
    this.profile = profile
    this.#chaos = random.fork('chaos')
    this.trace = new Trace({ isKept: keepsTrace, nowMs: () => this.clock.monotonicMs() })
    const latency = random.fork('network')
    this.network = new MemoryNetwork({ clock: this.clock, latencyMs: () => profile.networkLatencyMs * (0.2 + latency.fraction()) })
    this.fileSystem = new SimulatedFileSystem({ clock: this.clock, random: random.fork('disk'), plan: (...operation) => this.#fileFault(...operation) })
    this.service = new SimulatedService(() => this.clock.wallMs(), (request, when) => this.#disturbRequest(request, when))
    this.#media = new Media(this.fileSystem, this.service, profile.backends)
    this.#faults = {
      store: this.#whileChaotic('store', callFaults(random.fork('store faults'), { rate: storeFaultRate, spellRate: 0 })),
      metadata: this.#whileChaotic('metadata', callFaults(random.fork('metadata faults'), { rate: metadataFaultRate, spellRate: lives.metadataSpellRate })),
      wal: this.#whileChaotic('wal', appendFaults(random.fork('append faults'), lives.walFaultRate))
    }
    const lie = lies(random.fork('lies'), lives.lieRate)
    this.#lies = store => lives.lieRate === 0 ? store : lyingStore(store, key => this.#isChaotic && key.startsWith('objects/') ? this.#told(key, lie(key)) : undefined, random.fork('bits'))
    this.#late = random.fork('late requests')
    this.#wal = { kind: profile.backends.wal, name: '', extraMiB: 0 }
    this.#operationsToCrash = this.#untilCrash()
  }

  get isChaotic (): boolean { return this.#isChaotic }
  /** Where clients find the process that serves. */
  get address (): { readonly host: string, readonly port: number } { return { host: '127.0.0.1', port: basePort + this.#servingNumber } }

  sleep (ms: number): Promise<void> { return sleep(this.clock, ms) }

  /** From now on nothing goes wrong any more. */
  calmDown (): void {
    this.trace.add('calm')
    this.#isChaotic = false
  }

  /** Runs broker after broker until `end`. */
  async keepRunning (): Promise<void> {
    await Promise.all([this.#supervise(), this.#crashNowAndThen(), this.#pauseNowAndThen()])
  }

  /** Power failure, which ends all processes, or only the end of one. */
  crash (kind: 'crash' | 'kill'): void {
    if (this.#life?.isAlive !== true || this.#isOnWrongMedium) return
    this.#die(kind)
    if (kind === 'crash') this.fileSystem.crash()
    else if (this.#others.size === 0) this.fileSystem.kill()
  }

  /** Asks the broker to end, as an operator would; resolves once the next is up. */
  async restart (): Promise<void> {
    const before = this.openCount
    this.trace.add('stop')
    this.#life?.stop.abort()
    await this.untilReady(before)
  }

  /** As `restart`, with something done while no process lives. */
  async between (action: () => Promise<void>): Promise<void> {
    await this.untilAlone()
    await new Promise<void>(resolve => {
      this.#intermission = { action, done: resolve }
      this.#life?.stop.abort()
    })
    await this.untilReady(this.openCount)
  }

  async untilReady (afterCount = 0): Promise<OpenBroker> {
    while (this.broker === undefined || this.openCount <= afterCount) await this.sleep(20)
    return this.broker
  }

  end (): void {
    this.#isEnded = true
    this.#life?.stop.abort()
  }

  /** Resolves once only one process of the node is left. One that cannot get the lock of another waits for it, until it is told to stop. */
  async untilAlone (): Promise<void> {
    for (let waitedMs = 0; this.#others.size > 0; waitedMs += 20) {
      if (waitedMs === overtakenMsMax) for (const other of this.#others) other.stop.abort()
      await this.sleep(20)
    }
  }

  /** Takes the WAL away for good, while no process lives; the next one is to be `next`. Gives false where it cannot be taken. */
  loseWal (name: string): boolean {
    const right = this.#media.copyOf('wal', this.#wal)
    if (right === undefined) return false
    this.#media.remove(right)
    this.#wal = { ...this.#wal, name }
    return true
  }

  /** What a command beside the broker runs on. */
  async command (): Promise<{ readonly config: BrokerConfig, readonly process: SimulatedProcess, readonly backends: LoadedBackends }> {
    const process = this.#process()
    return { config: this.#config(), process, backends: await this.#backends(process) }
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
    for (let heir: Life | undefined; !this.#isEnded;) {
      if (heir === undefined && this.#others.size === 0) heir = await this.#betweenLives()
      if (this.#isEnded) break
      const life: Life = heir ?? await this.#begin()
      this.#life = life
      const outcome = await Promise.race([life.ended, life.paused])
      this.broker = undefined
      heir = outcome === 'paused' ? this.#leaveStanding(life) : await this.#afterEnd(life, outcome)
      if (!this.#isEnded && heir === undefined) await this.sleep(1 + this.#chaos.below(100))
    }
    for (const other of this.#others) other.die(true)
  }

  /** Starts a process of the node. */
  async #begin (): Promise<Life> {
    const process = this.#process()
    const life = new Life(this.#processCount, process)
    if (this.#others.size === 0) this.#servingNumber = life.number
    life.hadCompany = this.#others.size > 0
    this.#life = life
    const backends = await this.#backends(process)
    life.follow(runBroker({
      config: this.#config(),
      host: { environment: process.environment, network: process.network, backends, tuning: this.profile.tuning },
      stop: life.stop.signal,
      onReady: broker => this.#onReady(life, broker)
    }))
    return life
  }

  #process (): SimulatedProcess {
    const number = ++this.#processCount
    this.trace.add(`start process ${number}`)
    return new SimulatedProcess({
      clock: this.clock,
      random: this.random.fork(`process ${number}`),
      fileSystem: this.#options.sabotage?.fileSystem?.(this.fileSystem) ?? this.fileSystem,
      network: this.network,
      log: line => this.#onLog(line),
      portShift: number
    })
  }

  async #backends (process: SimulatedProcess): Promise<LoadedBackends> {
    return await simulatedBackends(this.profile.backends, this.#config().storage, {
      service: this.service,
      guard: call => process.guard(call),
      faults: label => this.#faults[label],
      lying: this.#lies,
      sabotage: this.#options.sabotage
    })
  }

  /** It stands still, and another process of the node begins beside it. */
  #leaveStanding (life: Life): undefined {
    life.hadCompany = true
    this.#others.add(life)
    void life.ended.then(async outcome => {
      if (!this.#others.has(life)) return
      await this.#afterEnd(life, outcome)
      this.#others.delete(life)
    }).catch((error: unknown) => this.violated.reject(error))
  }

  /** Gives the process that goes on where this one was not let in. */
  async #afterEnd (life: Life, outcome: Ending): Promise<Life | undefined> {
    const isAmongOthers = this.#others.has(life)
    let heir: Life | undefined
    if (outcome.kind === 'failed') this.#judge(life, outcome.error)
    else if (outcome.kind === 'stopped') this.trace.add(`process ${life.number} stopped`)
    if (outcome.kind === 'failed' && !isAmongOthers && StreambedError.is(outcome.error, 'LOCKED', 'FENCED')) heir = [...this.#others].find(other => other.isAlive)
    const isKilled = life.isAlive
    life.process.die(true)
    if (life.hadCompany) await life.process.cleanUp()
    else if (isKilled) this.fileSystem.kill()
    if (heir === undefined) return undefined
    this.trace.add(`process ${heir.number} goes on`)
    this.reached.note('a paused process goes on, as another was not let in')
    this.#others.delete(heir)
    this.#servingNumber = heir.number
    this.broker = heir.broker
    if (heir.broker !== undefined) this.openCount++
    return heir
  }

  #judge (life: Life, error: unknown): void {
    this.trace.add(`exit of process ${life.number}: ${String(error)}`)
    if (StreambedError.is(error, 'FENCED', 'LOCKED') && life.hadCompany) {
      this.reached.note(error.code === 'LOCKED' ? 'a start is refused: LOCKED' : 'a process ends, as another took over')
      return
    }
    if (!StreambedError.is(error) || !(error.retriable || StreambedError.is(error, ...excuses))) throw new Violation('refused-to-open', error instanceof Error ? error.stack ?? error.message : String(error))
  }

  /** While no process of the node lives. Gives one that began with what was found there. */
  async #betweenLives (): Promise<Life | undefined> {
    const { lives } = this.profile
    if (this.#intermission !== undefined) {
      const { action, done } = this.#intermission
      this.#intermission = undefined
      await action()
      done()
    }
    if (!this.#isChaotic) return undefined
    if (lives.walChangeRate > 0 && this.openCount > 0 && this.#chaos.fraction() < lives.walChangeRate) this.#changeWal()
    // What never served may be exchanged for what never served: both are this node's.
    if (lives.exchangeRate === 0 || this.openCount === 0) return undefined
    const heir = this.#chaos.fraction() < lives.exchangeRate ? await this.#beginOnWrongMedium() : undefined
    if (heir === undefined) this.#media.keep(this.#wal)
    return heir
  }

  #changeWal (): void {
    const before = this.#wal
    const kind = this.#chaos.below(2) === 0 ? before.kind : walKinds[this.#chaos.below(walKinds.length)]!
    this.#wal = kind === before.kind ? { ...before, extraMiB: 2 - before.extraMiB } : { kind, name: kind === this.profile.backends.wal ? '' : kind, extraMiB: 0 }
    // Metadata of before the node's first WAL, and another WAL at once: nothing that is left knows of what the first one held.
    this.#media.forgetOlder()
    this.trace.add(`the WAL is to be ${JSON.stringify(this.#wal)}`)
    this.reached.note(kind === before.kind ? 'the WAL gets another capacity' : 'the WAL becomes another one')
  }

  /**
   * A start with an exchanged medium: refused, or nothing that was acknowledged is missing. After a refusal the right one is back. One
   * that ends for another reason may have gone on with a WAL, or have moved what one held, so that no other is right any more; it is tried
   * again.
   */
  async #beginOnWrongMedium (): Promise<Life | undefined> {
    const exchange = this.#media.exchange(this.#chaos, this.#wal)
    const right = exchange === undefined ? undefined : this.#media.copyOf(exchange.medium, this.#wal)
    if (exchange === undefined || right === undefined) return undefined
    const { medium, what, wrong } = exchange
    this.trace.add(`exchange: ${medium} ${what}`)
    this.#media.putBack(wrong)
    for (;;) {
      this.#isOnWrongMedium = true
      const life = await this.#begin()
      const outcome = await Promise.race([life.ended, life.ready])
      this.#isOnWrongMedium = false
      if (outcome === 'ready') {
        this.reached.note(`a start on another medium goes on: ${medium} ${what}`)
        return life
      }
      const isKilled = life.isAlive
      life.process.die(true)
      if (isKilled) this.fileSystem.kill()
      const isRefused = outcome.kind === 'failed' && StreambedError.is(outcome.error, ...refusals)
      if (isRefused) this.reached.note(`a start is refused: ${medium} ${what}`)
      else if (outcome.kind === 'failed') this.#judge(life, outcome.error)
      if (outcome.kind === 'failed' && !isRefused) continue
      this.trace.add(`exchanged back: ${medium} ${outcome.kind === 'failed' ? String(outcome.error) : outcome.kind}`)
      this.#media.putBack(right)
      return undefined
    }
  }

  async #crashNowAndThen (): Promise<void> {
    const { crashEveryMs } = this.profile
    while (this.#isChaotic && crashEveryMs !== Infinity) {
      await this.sleep(this.#chaos.fraction() * 2 * crashEveryMs)
      if (!this.#isChaotic) return
      const draw = this.#chaos.fraction()
      if (draw < 0.2) this.#life?.stop.abort()
      else this.crash(draw < 0.8 ? 'crash' : 'kill')
    }
  }

  async #pauseNowAndThen (): Promise<void> {
    const { pauseEveryMs, pauseMsMax } = this.profile.lives
    const random = this.random.fork('pauses')
    while (this.#isChaotic && pauseEveryMs !== Infinity) {
      await this.sleep(random.fraction() * 2 * pauseEveryMs)
      const life = this.#life
      if (!this.#isChaotic) return
      if (life?.isAlive !== true || this.#isOnWrongMedium || life.process.isPaused || this.#others.size > 0) continue
      this.trace.add(`process ${life.number} stands still`)
      life.pause()
      await this.sleep(random.fraction() * pauseMsMax)
      this.trace.add(`process ${life.number} wakes`)
      life.process.resume()
    }
  }

  #onLog (line: string): void {
    this.trace.add(`broker: ${line}`)
    if (line.includes('differs from the replay of its log')) this.violated.reject(new Violation('state-diverged', line))
    this.reached.log(line)
  }

  #onReady (life: Life, broker: OpenBroker): void {
    const { nodeEpoch } = broker.registration
    this.trace.add(`process ${life.number} ready epoch=${nodeEpoch}`)
    life.opened(broker)
    // It may have been all but open when another took over, or have woken before that one took its epoch.
    if (this.#others.has(life) && nodeEpoch <= this.#nodeEpoch.newest) return
    try {
      this.#nodeEpoch.saw(nodeEpoch, this.#nodeEpoch.newest, true)
    } catch (error) {
      // Thrown here it would only make the broker open anew.
      this.violated.reject(error)
    }
    this.#servingNumber = life.number
    if (this.#others.has(life)) return
    if (this.#others.size > 0) this.reached.note('a process takes over from one that stands still')
    this.openCount++
    this.broker = broker
  }

  #die (kind: 'crash' | 'kill'): void {
    this.trace.add(kind)
    this.crashCount++
    this.#operationsToCrash = this.#untilCrash()
    this.broker = undefined
    this.#life!.die(this.#chaos.fraction() < 0.5)
    if (kind === 'crash') for (const other of this.#others) other.die(this.#chaos.fraction() < 0.5)
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
    if (when === 'before' && this.#late.fraction() < this.profile.lives.lateRequestRate) await this.sleep(this.#late.fraction() * lateRequestMsMax)
    const end = this.#crashAtOperation()
    if (end === 'crash') this.fileSystem.crash()
    else if (end === 'kill') this.fileSystem.kill()
    if (this.#chaos.fraction() >= this.profile.storeFaultRate / 2) return
    this.trace.add(`request ${request} lost ${when}`)
    throw new Error('the connection was reset')
  }

  /** Counts down to the next death inside an operation; what it was, when it is now. */
  #crashAtOperation (): 'crash' | 'kill' | undefined {
    if (--this.#operationsToCrash > 0 || this.#life?.isAlive !== true || this.#isOnWrongMedium) return undefined
    // The file system knows no processes: where there are two, both must end.
    const kind = this.#chaos.fraction() < 0.75 || this.#others.size > 0 ? 'crash' : 'kill'
    this.#die(kind)
    return kind
  }

  #whileChaotic (label: string, plan: FaultPlan): FaultPlan {
    return call => {
      const fault = this.#isChaotic ? plan(call) : { kind: 'none' } as const
      if (fault.kind !== 'none') {
        this.trace.add(`${label} ${call.method} ${call.key ?? ''}: ${fault.kind}`)
        const event: Event | undefined = label === 'wal' && fault.kind === 'failAfter' ? 'an append to the WAL is in doubt'
          : label === 'metadata' && call.method === 'append' && fault.kind === 'failAfter' ? 'an append to the metadata log is in doubt' : undefined
        if (event !== undefined) this.reached.note(event)
      }
      return fault
    }
  }

  #told<T extends string | undefined> (key: string, lie: T): T {
    if (lie !== undefined) {
      this.trace.add(`the store says of ${key}: ${lie}`)
      this.reached.note('the store lies')
    }
    return lie
  }

  #config (): BrokerConfig {
    return {
      node: { id: 1, rack: null, listeners: [{ name: 'PLAINTEXT', host: '127.0.0.1', port: basePort }] },
      storage: { ...storageConfig(this.profile.backends, this.profile.walBytes, this.#wal), engine: this.profile.storage },
      kafka: {
        'auto.create.topics.enable': 'false', 'offsets.topic.num.partitions': '2', 'group.initial.rebalance.delay.ms': '10', 'group.min.session.timeout.ms': '100', 'log.retention.check.interval.ms': '50'
      },
      produce: defaultBatchChecks,
      limits: defaultServerLimits,
      log: { level: 'debug' },
      origin: new Origin('the simulation'),
      references: new References({}, '/'),
      baseFolder: '/'
    }
  }
}
