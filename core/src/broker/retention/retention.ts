import { StreambedError, sleep, type Clock, type Logger } from '@streambed/sdk'
import type { Metadata } from '../../metadata/metadata.ts'
import type { Configs } from '../config/configs.ts'
import type { PartitionSlot, Topic, TopicRegistry } from '../topics/topic-registry.ts'
import { retentionStart } from './retention-plan.ts'

export interface RetentionParts {
  readonly topics: TopicRegistry
  readonly configs: Configs
  readonly metadata: Metadata
  readonly clock: Clock
  readonly logger: Logger
}

interface Deletion { readonly topic: Topic, readonly index: number, readonly slot: PartitionSlot }

/** Trims that run at once share one append to the metadata log. */
const trimsAtOnce = 64

/** Deletes what topics no longer retain, every `log.retention.check.interval.ms`. */
export class Retention implements AsyncDisposable {
  readonly #parts: RetentionParts
  readonly #stop = new AbortController()
  #running: Promise<void> = Promise.resolve()

  constructor (parts: RetentionParts) { this.#parts = parts }

  /** Begins to look; once. */
  start (): void { this.#running = this.#run() }

  /** Looks now. Resolves with the count of partitions that lost records; failures are logged, and met again next time. */
  async check (): Promise<number> {
    const deletions = this.#plan()
    let count = 0
    for (let start = 0; start < deletions.length; start += trimsAtOnce) {
      const done = await Promise.all(deletions.slice(start, start + trimsAtOnce).map(deletion => this.#delete(deletion)))
      count += done.filter(Boolean).length
      if (this.#stop.signal.aborted) break
    }
    return count
  }

  /** Idempotent. Ends after the deletions in flight. */
  async close (): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  [Symbol.asyncDispose] (): Promise<void> { return this.close() }

  async #run (): Promise<void> {
    const { clock, configs } = this.#parts
    const { signal } = this.#stop
    while (!signal.aborted) {
      try {
        await sleep(clock, configs.broker.logRetentionCheckIntervalMs, { signal })
      } catch {
        return
      }
      await this.check()
    }
  }

  #plan (): readonly Deletion[] {
    const { topics } = this.#parts
    const deletions: Deletion[] = []
    for (const topic of topics.all()) {
      topic.slots.forEach((slot, index) => { if (this.#startOf({ topic, slot }) !== undefined) deletions.push({ topic, index, slot }) })
    }
    return deletions
  }

  /** Where the log should start, by the settings of now. */
  #startOf ({ slot, topic }: Pick<Deletion, 'slot' | 'topic'>): number | undefined {
    const { clock, configs, metadata } = this.#parts
    return retentionStart(metadata.image.ranges(slot.streams.dataStreamId), configs.ofTopic(topic.topicId), clock.wallMs())
  }

  async #delete ({ index, slot, topic }: Deletion): Promise<boolean> {
    const { logger } = this.#parts
    try {
      const partition = slot.partition ?? await slot.whenOpen()
      // While it opened, somebody may have asked to keep more.
      const startOffset = this.#startOf({ topic, slot })
      if (startOffset === undefined) return false
      await partition.deleteBefore(startOffset)
      logger.debug('deleted records past their retention', { topic: topic.name, partition: index, startOffset })
      return true
    } catch (error) {
      // The topic was deleted, another node leads it, or the broker closes: nothing is lost by not deleting.
      if (!StreambedError.is(error, 'NOT_FOUND', 'FENCED', 'CLOSED')) logger.warn('deleting records past their retention failed, trying again later', { topic: topic.name, partition: index, error: String(error) })
      return false
    }
  }
}
