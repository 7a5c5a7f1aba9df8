import assert from 'node:assert/strict'
import type { Logger } from '@streambed/sdk'
import { SeededRandom, SimulatedFileSystem, VirtualClock, testEnvironment } from '@streambed/sdk/testing'
import { References } from '@streambed/sdk/node'
import { Origin } from '../../src/main/config/origin.ts'
import type { BrokerConfig } from '../../src/main/config/broker-config.ts'
import type { OpenBroker, Tuning } from '../../src/main/open-broker.ts'
import { runBroker } from '../../src/main/run-broker.ts'
import { defaultBatchChecks } from '../../src/broker/partition/batch-checks.ts'
import { defaultServerLimits } from '../../src/server/limits.ts'
import { defaultStorageOptions, type StorageOptions } from '../../src/storage/options.ts'
import { MemoryNetwork } from '../support/memory-network.ts'
import { SimulatedService, simulatedBackends, storageConfig, type BackendKinds } from '../simulation/backends.ts'

export const port = 9_092
const limitMsDefault = 600_000

/** How a store does not do its work. Called before and after each request takes effect. */
export type Outage = (when: 'before' | 'after') => void | Promise<void>

export interface VirtualBrokerOptions {
  readonly engine?: Partial<StorageOptions>
  readonly kafka?: BrokerConfig['kafka']
  readonly tuning?: Tuning
}

/** A broker whose object store does as it is told, under a clock that stands still between two steps of the test. */
export class VirtualBroker {
  readonly clock = new VirtualClock()
  readonly random = new SeededRandom('outages')
  readonly service = new SimulatedService(() => this.clock.wallMs(), (_, when) => this.outage?.(when))
  readonly fileSystem = new SimulatedFileSystem({ clock: this.clock, random: this.random })
  readonly network = new MemoryNetwork({ clock: this.clock, latencyMs: () => 0.1 })
  readonly stop = new AbortController()
  readonly lines: string[] = []
  readonly readies: OpenBroker[] = []
  readonly kinds: BackendKinds
  outage: Outage | undefined
  ended: Promise<unknown> | undefined

  readonly #options: VirtualBrokerOptions

  constructor (wal: BackendKinds['wal'], options: VirtualBrokerOptions = {}) {
    this.kinds = { wal, store: 'remote', metadata: 'file' }
    this.#options = options
  }

  start (): void {
    const at = (level: string) => (message: string, fields?: object): void => { this.lines.push(`${Math.round(this.clock.monotonicMs())} ${level} ${message} ${JSON.stringify(fields ?? {})}`) }
    const logger: Logger = { debug: () => undefined, info: at('info'), warn: at('warn'), error: at('error'), child: () => logger }
    const environment = { ...testEnvironment({ clock: this.clock, random: this.random, fileSystem: this.fileSystem }), logger }
    const config: BrokerConfig = {
      node: { id: 1, rack: null, listeners: [{ name: 'PLAINTEXT', host: '127.0.0.1', port }] },
      storage: {
        ...storageConfig(this.kinds, 64 * 2 ** 20, { kind: this.kinds.wal, name: '', extraMiB: 60 }),
        engine: { ...defaultStorageOptions, uploadBytes: 64 * 1024, uploadIntervalMs: 1_000, pendingBytesMax: 16 * 2 ** 20, ...this.#options.engine }
      },
      kafka: this.#options.kafka ?? {},
      produce: defaultBatchChecks,
      limits: defaultServerLimits,
      log: { level: 'debug' },
      origin: new Origin('the test'),
      references: new References({}, '/'),
      baseFolder: '/'
    }
    // What an object WAL does when its puts fail for long is another test's.
    if (this.kinds.wal === 'object') Object.assign(config.storage.wal.options as object, { putDeadlineMs: 3_600_000, putTimeoutMs: 10_000 })
    this.ended = simulatedBackends(this.kinds, config.storage, {
      service: this.service, guard: call => call(), faults: () => () => ({ kind: 'none' }), lying: store => store, sabotage: undefined
    }).then(backends => runBroker({
      config, host: { environment, network: this.network, backends, ...this.#options.tuning === undefined ? {} : { tuning: this.#options.tuning } }, stop: this.stop.signal, onReady: broker => { this.readies.push(broker) }
    })).then(() => 'stopped', (error: unknown) => error)
  }

  /** Lets time pass until `promise` settles. */
  async until<T> (promise: Promise<T>, limitMs = limitMsDefault): Promise<T> {
    const endMs = this.clock.monotonicMs() + limitMs
    let isSettled = false
    promise.then(() => { isSettled = true }, () => { isSettled = true })
    for (;;) {
      await turn()
      if (isSettled) return await promise
      assert.ok(this.clock.monotonicMs() <= endMs && this.clock.advanceToNext(), `nothing came of it within ${limitMs} ms\n${this.lines.slice(-10).join('\n')}`)
    }
  }

  /** Lets `ms` pass. */
  async pass (ms: number): Promise<void> { await this.until(new Promise<void>(resolve => { this.clock.schedule(ms, resolve) }), 2 * ms) }

  async ready (): Promise<OpenBroker> {
    await this.until((async () => { while (this.readies.length === 0) await turn() })())
    return this.readies.at(-1)!
  }
}

export async function turn (): Promise<void> { await new Promise<void>(resolve => { setImmediate(resolve) }) }
