import assert from 'node:assert/strict'
import { KafkaErrorCode } from '../../../src/protocol/error-codes.ts'
import { KafkaError } from '../../../src/broker/kafka-error.ts'
import { LeaderEpochs } from '../../../src/broker/partition/leader-epochs.ts'
import { ProducerStates } from '../../../src/broker/partition/producer-states.ts'

const batch = (firstSequence: number, count = 1, producerEpoch = 0) => ({ producerId: 7, producerEpoch, firstSequence, lastSequence: (firstSequence + count - 1) % 0x8000_0000 })

function recorded (...batches: readonly ReturnType<typeof batch>[]): ProducerStates {
  const states = new ProducerStates()
  for (const [index, one] of batches.entries()) states.record(one, { firstOffset: index * 10, lastOffset: index * 10 + 1 }, index)
  return states
}

function codeOf (action: () => unknown): KafkaErrorCode | undefined {
  try {
    action()
  } catch (error) {
    assert.ok(error instanceof KafkaError)
    return error.code
  }
  return undefined
}

describe('producer states', () => {
  it('recognises each of the last five batches, and answers with its first offset', () => {
    const states = recorded(...[0, 1, 2, 3, 4, 5].map(sequence => batch(sequence)))
    assert.deepEqual([1, 2, 3, 4, 5].map(sequence => states.check(batch(sequence))?.firstOffset), [10, 20, 30, 40, 50])
    assert.equal(codeOf(() => states.check(batch(0))), KafkaErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
  })

  const cases: { readonly name: string, readonly next: ReturnType<typeof batch>, readonly code: KafkaErrorCode | undefined }[] = [
    { name: 'the next sequence', next: batch(3), code: undefined },
    { name: 'a gap', next: batch(4), code: KafkaErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER },
    { name: 'a batch that overlaps but does not repeat', next: batch(2, 2), code: KafkaErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER },
    { name: 'a newer epoch from sequence 0', next: batch(0, 1, 1), code: undefined },
    { name: 'a newer epoch from elsewhere', next: batch(3, 1, 1), code: KafkaErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER },
    { name: 'an older epoch', next: batch(3, 1, -1), code: KafkaErrorCode.INVALID_PRODUCER_EPOCH }
  ]
  for (const { code, name, next } of cases) {
    it(`${name} is ${code === undefined ? 'taken' : `refused with ${code}`}`, () => {
      assert.equal(codeOf(() => assert.equal(recorded(batch(0), batch(1, 2)).check(next), undefined)), code)
    })
  }

  it('sequences go round after 2^31 - 1', () => {
    const states = recorded(batch(0x7fff_ffff))
    assert.equal(codeOf(() => states.check(batch(0))), undefined)
    assert.equal(codeOf(() => states.check(batch(1))), KafkaErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
  })

  it('an unknown or expired producer may begin anywhere', () => {
    const states = recorded(batch(0))
    states.expire(1)
    assert.equal(states.check(batch(41)), undefined)
  })
})

describe('leader epochs', () => {
  it('tell which epoch an offset is of, and where an epoch ended (KIP-320)', () => {
    const epochs = new LeaderEpochs()
    for (const [leaderEpoch, offset] of [[0, 0], [0, 5], [2, 10], [5, 30]] as const) epochs.record(leaderEpoch, offset)
    assert.deepEqual([0, 9, 10, 29, 30].map(offset => epochs.epochAt(offset)), [0, 0, 2, 2, 5])
    assert.deepEqual(epochs.endOf(0, 5, 40), { leaderEpoch: 0, endOffset: 10 })
    assert.deepEqual(epochs.endOf(3, 5, 40), { leaderEpoch: 2, endOffset: 30 })
    assert.deepEqual(epochs.endOf(5, 5, 40), { leaderEpoch: 5, endOffset: 40 })
    assert.deepEqual(epochs.endOf(6, 5, 40), { leaderEpoch: -1, endOffset: -1 })
    assert.deepEqual(epochs.endOf(-1, 5, 40), { leaderEpoch: -1, endOffset: -1 })
    assert.deepEqual(new LeaderEpochs().endOf(3, 5, 40), { leaderEpoch: 3, endOffset: 40 })
  })
})
