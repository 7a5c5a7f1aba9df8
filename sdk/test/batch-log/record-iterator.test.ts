import assert from 'node:assert/strict'
import type { WalRecord } from '../../src/wal.ts'
import { RecordIterator } from '../../src/batch-log/record-iterator.ts'

function list (...positions: readonly number[]): readonly WalRecord[] { return positions.map(position => ({ position, data: Uint8Array.of(position) })) }

async function positions (records: AsyncIterable<WalRecord>): Promise<number[]> {
  const found: number[] = []
  for await (const { position } of records) found.push(position)
  return found
}

const asItIs = async (error: unknown): Promise<unknown> => error

describe('record iterator', () => {
  it('gives the records of all lists in order, also of empty ones', async () => {
    async function * lists (): AsyncGenerator<readonly WalRecord[], void, undefined> {
      yield list()
      yield list(1, 2)
      yield list()
      yield list(3)
      yield list()
    }
    assert.deepEqual(await positions(new RecordIterator(lists(), asItIs)), [1, 2, 3])
  })

  it('stays at its end', async () => {
    async function * lists (): AsyncGenerator<readonly WalRecord[], void, undefined> { yield list(1) }
    const records = new RecordIterator(lists(), asItIs)
    assert.deepEqual(await positions(records), [1])
    assert.deepEqual(await records.next(), { value: undefined, done: true })
  })

  it('gives what comes before a failure, and explains it', async () => {
    async function * lists (): AsyncGenerator<readonly WalRecord[], void, undefined> {
      yield list(1, 2)
      throw new Error('rotten')
    }
    const records = new RecordIterator(lists(), async error => new Error(`explained: ${(error as Error).message}`))
    assert.equal((await records.next()).value?.position, 1)
    assert.equal((await records.next()).value?.position, 2)
    await assert.rejects(records.next(), /explained: rotten/)
  })

  it('who stops half way ends the lists', async () => {
    let isEnded = false
    async function * lists (): AsyncGenerator<readonly WalRecord[], void, undefined> {
      try {
        yield list(1, 2)
        yield list(3)
      } finally {
        isEnded = true
      }
    }
    const records = new RecordIterator(lists(), asItIs)
    for await (const { position } of records) if (position === 1) break
    assert.equal(isEnded, true)
    assert.deepEqual(await records.next(), { value: undefined, done: true })
  })
})
