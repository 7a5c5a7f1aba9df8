import type { Int64 } from '@streambed/sdk'
import { KafkaErrorCode } from '../../protocol/error-codes.ts'
import { KafkaError } from '../kafka-error.ts'

/** How many batches back a repeated one is recognised; clients keep at most as many in flight (KIP-98). */
const batchesKept = 5
const sequenceModulus = 0x8000_0000

/** One idempotent batch as the partition appended it. Offsets of its first and last record. */
export interface ProducedBatch {
  readonly firstSequence: number
  readonly lastSequence: number
  readonly firstOffset: number
  readonly lastOffset: number
  readonly timestamp: number
  /** Settles as its append does; absent once it is known to be durable, as after loading. Never stored. */
  readonly durable?: Promise<void>
}

export interface ProducerState {
  readonly producerId: Int64
  readonly producerEpoch: number
  /** Newest last, at most five; empty only before the first. */
  readonly batches: readonly ProducedBatch[]
  /** Wall-clock ms of the last append: idle producers expire. */
  readonly lastActiveMs: number
}

export interface ProducerBatchHeader {
  readonly producerId: Int64
  readonly producerEpoch: number
  readonly firstSequence: number
  readonly lastSequence: number
}

/**
 * What a partition remembers of idempotent producers (KIP-98): recognises repeated batches, refuses gaps and zombies. A
 * pure function of the batches appended, so replaying the log rebuilds it.
 */
export class ProducerStates {
  readonly #states: Map<Int64, ProducerState>

  constructor (states: Iterable<ProducerState> = []) {
    this.#states = new Map([...states].map(state => [state.producerId, state]))
  }

  /**
   * Judges a client's batch. Gives the earlier batch when this repeats it, undefined when it is to be appended. Throws
   * INVALID_PRODUCER_EPOCH for an older epoch, OUT_OF_ORDER_SEQUENCE_NUMBER for a gap.
   */
  check (batch: ProducerBatchHeader): ProducedBatch | undefined {
    const state = this.#states.get(batch.producerId)
    // Nothing known (new, expired or trimmed away): any sequence starts a new history.
    if (state === undefined) return undefined
    if (batch.producerEpoch < state.producerEpoch) {
      throw new KafkaError(KafkaErrorCode.INVALID_PRODUCER_EPOCH, `producer epoch is too old. producerId=${batch.producerId} epoch=${batch.producerEpoch} current=${state.producerEpoch}`)
    }
    if (batch.producerEpoch > state.producerEpoch) {
      if (batch.firstSequence !== 0) throw outOfOrder(batch, 0)
      return undefined
    }
    const repeated = state.batches.find(known => known.firstSequence === batch.firstSequence && known.lastSequence === batch.lastSequence)
    if (repeated !== undefined) return repeated
    const last = state.batches.at(-1)
    const expected = last === undefined ? batch.firstSequence : (last.lastSequence + 1) % sequenceModulus
    if (batch.firstSequence !== expected) throw outOfOrder(batch, expected)
    return undefined
  }

  /** Takes note of a batch that has its place in the log; `durable` as in ProducedBatch. */
  record (header: ProducerBatchHeader, offsets: { readonly firstOffset: number, readonly lastOffset: number }, timestamp: number, durable?: Promise<void>): void {
    const { producerEpoch, producerId, firstSequence, lastSequence } = header
    const before = this.#states.get(producerId)
    const earlier = before?.producerEpoch === producerEpoch ? before.batches : []
    this.#states.set(producerId, {
      producerId,
      producerEpoch,
      batches: [...earlier.slice(1 - batchesKept), { firstSequence, lastSequence, ...offsets, timestamp, ...durable === undefined ? {} : { durable } }],
      lastActiveMs: timestamp
    })
  }

  /** Forgets producers not heard of since `beforeMs`. */
  expire (beforeMs: number): void {
    for (const [producerId, state] of this.#states) if (state.lastActiveMs < beforeMs) this.#states.delete(producerId)
  }

  values (): Iterable<ProducerState> { return this.#states.values() }

  /** As a checkpoint stores them. */
  stored (): ProducerState[] {
    return [...this.#states.values()].map(state => ({
      ...state,
      batches: state.batches.map(({ firstOffset, firstSequence, lastOffset, lastSequence, timestamp }) => ({ firstSequence, lastSequence, firstOffset, lastOffset, timestamp }))
    }))
  }

  get size (): number { return this.#states.size }
}

function outOfOrder (batch: ProducerBatchHeader, expected: number): KafkaError {
  return new KafkaError(KafkaErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, `sequence is out of order. producerId=${batch.producerId} epoch=${batch.producerEpoch} sequence=${batch.firstSequence} expected=${expected}`)
}
