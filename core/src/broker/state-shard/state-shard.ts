import { StreambedError, invariant, type Clock, type Logger } from '@streambed/sdk'
import { KafkaErrorCode } from '../../protocol/error-codes.ts'
import { KafkaError } from '../kafka-error.ts'
import { LogRewrite } from './log-rewrite.ts'
import { differenceOf, imageOf, replay } from './replay.ts'
import { batchesOf } from './shard-batches.ts'
import type { Appended, ShardLog } from './shard-log.ts'
import type { ShardCodec, ShardState } from './shard-state.ts'

/** When a shard writes its log anew. */
export interface ShardTuning {
  /** Once the log is this large … */
  readonly bytesMin: number
  /** … and this many times what the state took when it was last written. */
  readonly rewriteFactor: number
  /** Records that a piece of a rewrite holds, about: what is appended in one turn, and in flight at once. */
  readonly pieceRecords: number
  /** Whether each rewrite is followed by a check that the log still replays to the state: for tests and simulations. */
  readonly checksRewrites: boolean
}

export const defaultShardTuning: ShardTuning = Object.freeze({
  bytesMin: 4 * 1024 * 1024,
  rewriteFactor: 4,
  pieceRecords: 500,
  checksRewrites: false
})

export interface StateShardParts<S extends ShardState<R>, R> {
  readonly log: ShardLog
  readonly codec: ShardCodec<R>
  /** Makes the state of an empty log. */
  readonly emptyState: () => S
  readonly clock: Clock
  readonly logger: Logger
  readonly tuning: ShardTuning
  /** Records that delete what nobody can ask for any more; appended before the log is written anew. */
  readonly obsolete: (state: S) => readonly R[]
  /** Called once, in the turn in which an append turns out to be in doubt: from then on the state is a guess. */
  readonly onFailed: (error: unknown) => void
}

/**
 * State that lives in the log of one partition: coordinators decide against `state`, append the records of their decision, and
 * answer once they are durable.
 *
 * `state` is always the replay of the log up to its next offset: a record is applied in the turn in which it takes its place,
 * durable or not, so the next decision sees it. That is safe because confirmations come in order: whatever is told to anybody
 * waits for the newest append that it may rest on (`Appended.durable`, `settled`). An append that was refused was never applied.
 * One that is in doubt ends the shard: its state may hold what the log does not, and only loading tells.
 */
export class StateShard<S extends ShardState<R>, R> {
  readonly state: S
  readonly #parts: StateShardParts<S, R>
  #nextOffset = 0
  #newest: Promise<void> = Promise.resolve()
  #inFlightCount = 0
  #logBytes = 0
  #stateBytes = 0
  /** After a rewrite that failed: the size from which it is tried again. */
  #retryBytes = 0
  #maintenance: Promise<void> | undefined
  #failure: unknown
  #isClosed = false

  private constructor (parts: StateShardParts<S, R>) {
    this.#parts = parts
    this.state = parts.emptyState()
  }

  /**
   * Loads the state. Rejects as `replay`, or with UNAVAILABLE while appends of an earlier writer are in flight or in doubt: what
   * the log holds is not decided yet.
   */
  static async open<S extends ShardState<R>, R> (parts: StateShardParts<S, R>): Promise<StateShard<S, R>> {
    const { codec, log } = parts
    const shard = new StateShard<S, R>(parts)
    const endOffset = log.nextOffset
    checkDecided(log, endOffset)
    shard.#logBytes = await replay(log, codec, shard.state, endOffset)
    checkDecided(log, endOffset)
    shard.#nextOffset = endOffset
    return shard
  }

  /**
   * Appends records and applies them, before this returns; those of one decision share a batch unless they are many. When a
   * later batch is refused, the earlier ones stand, in log and state alike. Never throws.
   */
  append (records: readonly R[]): Appended {
    const { clock, codec, log } = this.#parts
    let durable = this.#newest
    try {
      this.#checkUsable()
      for (const batch of batchesOf(records, codec, clock.wallMs())) {
        const appended = log.append(batch.bytes)
        if (!appended.isTaken) {
          appended.durable.catch(() => undefined)
          return appended
        }
        durable = this.#taken(batch.records, batch.bytes.length, appended.durable)
      }
    } catch (error) {
      return refusal(error)
    }
    return { isTaken: true, durable }
  }

  /**
   * Resolves once everything in `state` as it is now is durable: what was read from it may be told. Rejects when that never
   * comes to pass.
   */
  settled (): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure as Error)
    return this.#inFlightCount === 0 ? Promise.resolve() : this.#newest
  }

  /** Resolves when replaying the log gives the state, as it was at the call; rejects with INTERNAL when it does not. */
  async check (): Promise<void> {
    while (this.#maintenance !== undefined) await this.#maintenance
    const checking = this.#check()
    this.#maintain(checking.catch(() => undefined))
    await checking
  }

  /** Refuses further appends; resolves once all in flight are settled. Idempotent. */
  async close (): Promise<void> {
    this.#isClosed = true
    await this.#newest.catch(() => undefined)
    await this.#maintenance
  }

  #checkUsable (): void {
    const { log } = this.#parts
    if (this.#failure !== undefined) throw this.#failure as Error
    if (this.#isClosed) throw new KafkaError(KafkaErrorCode.NOT_COORDINATOR, `the coordinator is closing. log=${log.name}`)
    if (log.nextOffset === this.#nextOffset) return
    // Tools may write to an internal topic: what they wrote is state, too.
    const where = `log=${log.name} expected=${this.#nextOffset} found=${log.nextOffset}`
    const error = new StreambedError('UNAVAILABLE', `another writer appended to a coordinator's log. ${where}`)
    this.#fail(error)
    throw error
  }

  #taken (records: readonly R[], bytes: number, durable: Promise<void>): Promise<void> {
    for (const record of records) this.state.apply(record)
    this.#nextOffset = this.#parts.log.nextOffset
    this.#logBytes += bytes
    this.#inFlightCount++
    const settled = durable.then(() => {
      this.#inFlightCount--
      this.#maybeRewrite()
    }, (error: unknown) => {
      this.#fail(error)
      throw error
    })
    // Whoever appended decides whether to wait.
    settled.catch(() => undefined)
    this.#newest = settled
    return settled
  }

  #fail (error: unknown): void {
    if (this.#failure !== undefined) return
    const { log, logger, onFailed } = this.#parts
    this.#failure = error
    logger.warn('a coordinator does not know what its log holds, and loads it again', { log: log.name, error: String(error) })
    onFailed(error)
  }

  #maybeRewrite (): void {
    const { bytesMin, rewriteFactor } = this.#parts.tuning
    if (this.#maintenance !== undefined || this.#isClosed || this.#failure !== undefined) return
    if (this.#logBytes < Math.max(bytesMin, rewriteFactor * this.#stateBytes, this.#retryBytes)) return
    this.#maintain(this.#rewrite())
  }

  /** One at a time: a log is not shortened while it is read. */
  #maintain (work: Promise<void>): void { this.#maintenance = work.finally(() => { this.#maintenance = undefined }) }

  /** Never rejects: a log that is not shortened is as right as before. */
  async #rewrite (): Promise<void> {
    const { log, logger, obsolete, tuning } = this.#parts
    try {
      await this.append(obsolete(this.state)).durable
      const before = this.#logBytes
      await new LogRewrite<R>({
        log,
        state: this.state,
        pieceRecords: tuning.pieceRecords,
        append: records => this.append(records),
        settled: () => this.settled()
      }).run()
      this.#logBytes -= before
      this.#stateBytes = this.#logBytes
      this.#retryBytes = 0
      logger.debug('wrote a coordinator\'s log anew', { log: log.name, bytesBefore: before, bytes: this.#logBytes })
    } catch (error) {
      this.#retryBytes = this.#logBytes + tuning.bytesMin
      logger.warn('writing a coordinator\'s log anew failed, trying again later', { log: log.name, error: String(error) })
      return
    }
    if (!tuning.checksRewrites) return
    await this.#check().catch((error: unknown) => {
      logger.error('a coordinator\'s state cannot be checked against its log', { log: log.name, error: String(error) })
    })
  }

  async #check (): Promise<void> {
    const { codec, emptyState, log } = this.#parts
    const endOffset = this.#nextOffset
    const image = imageOf(this.state, codec)
    await this.settled()
    const replayed = emptyState()
    await replay(log, codec, replayed, endOffset)
    const difference = differenceOf(image, imageOf(replayed, codec))
    const where = `log=${log.name} offset=${endOffset} key=${JSON.stringify(difference)}`
    invariant(difference === undefined, `a coordinator's state differs from the replay of its log. ${where}`)
  }
}

function checkDecided (log: ShardLog, endOffset: number): void {
  if (log.nextOffset === endOffset && log.endOffset === endOffset) return
  const where = `log=${log.name} confirmed=${log.endOffset} next=${log.nextOffset}`
  throw new StreambedError('UNAVAILABLE', `the end of a coordinator's log is not decided yet. ${where}`)
}

function refusal (error: unknown): Appended {
  const durable = Promise.reject(error as Error)
  durable.catch(() => undefined)
  return { isTaken: false, durable }
}
