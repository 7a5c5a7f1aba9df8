import assert from 'node:assert/strict'
import { isLinearizable, type RegisterCall } from '../src/object-store/linearizability.ts'

const write = (value: string | undefined, begunAt: number, endedAt: number): RegisterCall => ({ kind: 'write', value, begunAt, endedAt })
const read = (value: string | undefined, begunAt: number, endedAt: number): RegisterCall => ({ kind: 'read', value, begunAt, endedAt })

describe('linearizability of a register', () => {
  for (const { calls, name } of [
    { name: 'nothing at all', calls: [] },
    { name: 'a read of nothing before the first write', calls: [read(undefined, 1, 2), write('a', 3, 4), read('a', 5, 6)] },
    { name: 'a read that overlaps a write, before it or after it', calls: [write('a', 1, 2), write('b', 3, 8), read('a', 4, 5), read('b', 6, 7)] },
    { name: 'two writes that overlap, in either order', calls: [write('a', 1, 6), write('b', 2, 5), read('a', 7, 8)] },
    { name: 'a write without an answer that is seen late', calls: [write('a', 1, Infinity), read(undefined, 2, 3), read('a', 4, 5)] },
    { name: 'a write without an answer that is never seen', calls: [write('a', 1, 2), write('b', 3, Infinity), read('a', 4, 5)] },
    { name: 'a deletion between two writes', calls: [write('a', 1, 2), write(undefined, 3, 4), read(undefined, 5, 6), write('b', 7, 8), read('b', 9, 10)] }
  ]) it(`explains ${name}`, () => { assert.equal(isLinearizable(calls), true) })

  for (const { calls, name } of [
    { name: 'a read of what was overwritten', calls: [write('a', 1, 2), write('b', 3, 4), read('a', 5, 6)] },
    { name: 'a read of what was never written', calls: [write('a', 1, 2), read('b', 3, 4)] },
    { name: 'readers that see two writes in two orders', calls: [write('a', 1, 10), write('b', 2, 11), read('a', 3, 4), read('b', 5, 6), read('a', 7, 8)] },
    { name: 'a read that goes back while the write is still on its way', calls: [write('a', 1, 2), write('b', 3, 10), read('b', 4, 5), read('a', 6, 7)] },
    { name: 'a read of what was deleted', calls: [write('a', 1, 2), write(undefined, 3, 4), read('a', 5, 6)] }
  ]) it(`finds ${name}`, () => { assert.equal(isLinearizable(calls), false) })

  it('finds one wrong answer among many', () => {
    const calls = Array.from({ length: 60 }, (_, n) => [write(String(n), n * 10, n * 10 + 15), read(String(n), n * 10 + 16, n * 10 + 18)]).flat()
    assert.equal(isLinearizable(calls), true)
    assert.equal(isLinearizable([...calls, read('17', 400, 401)]), false)
  })
})
