import { StreambedError, abortedError, sleep, type CallOptions, type DeleteOutcome, type Environment, type GetOptions, type ListOptions, type Metrics, type ObjectBody, type ObjectInfo, type ObjectPage, type ObjectStore, type PutOptions, type Wal, type WalOpening, type WalRecord, type WalWriter } from '@streambed/sdk'
import { MemoryObjectStore, SeededRandom, VirtualClock, testEnvironment, type MemoryObjectMedium } from '@streambed/sdk/testing'
import { ObjectWal } from '../src/object-wal.ts'
import { defaultOptions, type ObjectWalOptions } from '../src/options.ts'

export const prefix = 'logs/one'

export function writerOf (writerEpoch: number): WalWriter { return { clusterId: 'cluster-a', nodeId: 1, writerEpoch } }

export async function openWal (objectStore: ObjectStore, environment: Environment, writerEpoch: number, options: Partial<ObjectWalOptions> = {}, opening?: WalOpening): Promise<ObjectWal> {
  return await ObjectWal.open({ ...defaultOptions, prefix, ...options }, environment, { objectStore, opening, writer: writerOf(writerEpoch) })
}

export async function recovered (wal: Wal): Promise<WalRecord[]> {
  const records: WalRecord[] = []
  for await (const record of wal.recover()) records.push(record)
  return records
}

/** Lets virtual time go on until `pending` has settled. */
export async function settle<T> (pending: Promise<T>, clock: VirtualClock, environment: Environment): Promise<T> {
  let isDone = false
  const done = (): void => { isDone = true }
  pending.then(done, done)
  for (let idle = 0; !isDone;) {
    await environment.yieldTurn()
    if (isDone) break
    idle = clock.advanceToNext() ? 0 : idle + 1
    if (idle > 1000) throw new Error('nothing goes on any more, and the promise has not settled')
  }
  return await pending
}

export class CountingMetrics implements Metrics {
  readonly counts = new Map<string, number>()
  count (name: string, by = 1): void { this.counts.set(name, this.of(name) + by) }
  gauge (): void {}
  observe (): void {}
  of (name: string): number { return this.counts.get(name) ?? 0 }
}

export interface Bench { readonly clock: VirtualClock, readonly environment: Environment, readonly metrics: CountingMetrics, readonly random: SeededRandom }

export function bench (seed: string | number): Bench {
  const clock = new VirtualClock()
  const random = new SeededRandom(seed)
  const metrics = new CountingMetrics()
  return { clock, random, metrics, environment: { ...testEnvironment({ clock, random: random.fork('environment') }), metrics } }
}

/** How a process sees the network: late, lost and repeated calls, and the process itself may stand still. */
export interface Weather { isBad: boolean }

/**
 * One process' way to a store. A put may land long after its answer was lost or given up, and once more after that; the
 * keys of one delete go one by one. Reads and deletes that fail are repeated, as the host does it.
 */
export class HostileStore implements ObjectStore {
  readonly #inner: MemoryObjectStore
  readonly #clock: VirtualClock
  readonly #random: SeededRandom
  readonly #weather: Weather
  /** The process is stopped until then. */
  pausedUntilMs = 0

  constructor (medium: MemoryObjectMedium, clock: VirtualClock, random: SeededRandom, weather: Weather) {
    this.#inner = new MemoryObjectStore({ clock, medium })
    this.#clock = clock
    this.#random = random
    this.#weather = weather
  }

  async put (key: string, body: ObjectBody, options?: PutOptions): Promise<ObjectInfo> {
    const bytes = (body as Uint8Array).slice()
    const ifAbsent = { ifAbsent: options?.ifAbsent === true }
    const effect = (): Promise<ObjectInfo> => this.#inner.put(key, bytes, ifAbsent)
    await this.#awake()
    if (this.#weather.isBad) {
      // Once more, whatever becomes of the call itself.
      if (this.#chance(0.15)) this.#clock.schedule(this.#random.fraction() * 30_000, () => { effect().catch(() => {}) })
      if (this.#chance(0.1)) throw this.#lost()
    }
    const effected = this.#after(this.#delayMs(), effect)
    effected.catch(() => {})
    const answered = this.#answer(effected)
    answered.catch(() => {})
    const signal = options?.signal
    if (signal === undefined) return await answered
    return await Promise.race([answered, aborted(signal)])
  }

  get (key: string, options?: GetOptions): Promise<Uint8Array> { return this.#repeated(() => this.#inner.get(key, options?.range === undefined ? {} : { range: options.range })) }
  head (key: string): Promise<ObjectInfo> { return this.#repeated(() => this.#inner.head(key)) }
  list (prefixOf: string, options?: ListOptions): Promise<ObjectPage> { return this.#repeated(() => this.#inner.list(prefixOf, options)) }

  async delete (keys: readonly string[], _options?: CallOptions): Promise<readonly DeleteOutcome[]> {
    return await Promise.all(keys.map(async key => (await this.#repeated(() => this.#inner.delete([key])))[0]!))
  }

  startMultipart (): Promise<never> { throw new Error('not used') }
  sweepUploads (): Promise<never> { throw new Error('not used') }
  preflight (): Promise<never> { throw new Error('not used') }
  async close (): Promise<void> {}
  async [Symbol.asyncDispose] (): Promise<void> {}

  #chance (share: number): boolean { return this.#random.fraction() < share }
  #delayMs (): number { return this.#weather.isBad && this.#chance(0.1) ? this.#random.fraction() * 5_000 : this.#random.fraction() * 100 }
  #lost (): StreambedError { return new StreambedError((['OUTCOME_UNKNOWN', 'UNAVAILABLE', 'TIMEOUT', 'THROTTLED'] as const)[this.#random.below(4)]!, 'lost') }

  async #awake (): Promise<void> {
    while (this.#clock.monotonicMs() < this.pausedUntilMs) await sleep(this.#clock, this.pausedUntilMs - this.#clock.monotonicMs())
  }

  async #after<T> (delayMs: number, effect: () => Promise<T>): Promise<T> {
    await sleep(this.#clock, delayMs)
    return await effect()
  }

  async #answer<T> (effected: Promise<T>): Promise<T> {
    const isLost = this.#weather.isBad && this.#chance(0.1)
    const delayMs = this.#delayMs()
    const outcome = await effected.then(value => () => value, (error: unknown) => () => { throw error })
    await sleep(this.#clock, delayMs)
    await this.#awake()
    if (isLost) throw this.#lost()
    return outcome()
  }

  async #repeated<T> (effect: () => Promise<T>): Promise<T> {
    for (;;) {
      await this.#awake()
      try {
        return await this.#answer(this.#after(this.#delayMs(), effect))
      } catch (error) {
        if (!StreambedError.is(error, 'OUTCOME_UNKNOWN', 'UNAVAILABLE', 'TIMEOUT', 'THROTTLED')) throw error
      }
    }
  }
}

function aborted (signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(abortedError(signal))
    else signal.addEventListener('abort', () => { reject(abortedError(signal)) }, { once: true })
  })
}
