import type { Metadata } from '../metadata/metadata.ts'

/** Kafka's own block size: one change of the metadata for a thousand producers. */
const blockSize = 1_000

/** Hands out producer ids, unique for ever in the cluster, from blocks reserved in the metadata log. */
export class ProducerIds {
  readonly #parts: { readonly metadata: Metadata, readonly nodeId: number, readonly nodeEpoch: number }
  #next = 0
  #end = 0
  #reserving: Promise<void> | undefined

  constructor (parts: { readonly metadata: Metadata, readonly nodeId: number, readonly nodeEpoch: number }) { this.#parts = parts }

  async next (): Promise<number> {
    while (this.#next === this.#end) {
      this.#reserving ??= this.#reserve().finally(() => { this.#reserving = undefined })
      await this.#reserving
    }
    return this.#next++
  }

  async #reserve (): Promise<void> {
    const { metadata, nodeEpoch, nodeId } = this.#parts
    const first = await metadata.propose(image => ({
      records: [{ type: 'producerIdsReserved', nodeId, nodeEpoch, first: image.nextProducerId, count: blockSize }],
      result: image.nextProducerId
    }))
    this.#next = first
    this.#end = first + blockSize
  }
}
