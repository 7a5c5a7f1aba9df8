import type { CommittedOffset } from './group-records.ts'

/** The committed offsets of one group: by topic, then partition. */
export class OffsetStore {
  readonly #topics = new Map<string, Map<number, CommittedOffset>>()

  get isEmpty (): boolean { return this.#topics.size === 0 }
  get (topic: string, partition: number): CommittedOffset | undefined { return this.#topics.get(topic)?.get(partition) }

  set (topic: string, partition: number, value: CommittedOffset): void {
    const partitions = this.#topics.get(topic)
    if (partitions === undefined) this.#topics.set(topic, new Map([[partition, value]]))
    else partitions.set(partition, value)
  }

  delete (topic: string, partition: number): void {
    const partitions = this.#topics.get(topic)
    partitions?.delete(partition)
    if (partitions?.size === 0) this.#topics.delete(topic)
  }

  * entries (): Generator<{ readonly topic: string, readonly partition: number, readonly value: CommittedOffset }> {
    for (const [topic, partitions] of this.#topics) for (const [partition, value] of partitions) yield { topic, partition, value }
  }
}
