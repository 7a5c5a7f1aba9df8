import { StreambedError, type ErrorCode } from '@streambed/sdk'
import assert from 'node:assert/strict'
import { pattern, rejectsWith, sameBytes } from '../assertions.ts'
import type { Fault, Passage } from '../faults/fault.ts'
import type { ObjectStoreBench, ObjectStoreFaultCheck } from './fault-rules.ts'
import { outcomeOf, told } from '../faults/outcomes.ts'

const KiB = 1024

export function damageChecks (check: ObjectStoreFaultCheck): void {
  check('OS-K07', 'a put that broke off is seen whole or not at all (OS-2)', ['cut'], async bench => {
    const { plane, subject: store } = await bench.open({})
    const { subject: reader } = await bench.open({})
    for (let n = 0; n < 20; n++) {
      const body = pattern((1 + n * 37) * KiB, n)
      plane.set({ fault: { kind: 'cut' }, on: bytesUp(bench), times: 1 })
      const outcome = await outcomeOf(store.put(`a-${n}`, body))
      const found = await outcomeOf(reader.get(`a-${n}`))
      if (found instanceof Uint8Array) sameBytes(found, body, 'object whose put broke off')
      else assert.ok(outcome instanceof Error && StreambedError.is(found, 'NOT_FOUND'), `put: ${told(outcome)}; get: ${told(found)}`)
    }
    assert.equal(plane.befallen.cut, 20, 'puts were not broken off: they made no request with a body')
  })

  check('OS-D02', 'bytes changed on the way up are refused, and never read as if they were right (OS-6)', ['corrupt'], async bench => {
    const { plane, subject: store } = await bench.open({})
    for (const [n, size] of [1, 100, 5 * KiB, 300 * KiB].entries()) {
      plane.set({ fault: { kind: 'corrupt', way: 'up' }, on: bytesUp(bench), times: 1 })
      const outcome = await outcomeOf(store.put(`a-${n}`, pattern(size, n)))
      plane.set()
      // Files take what they are given; there the damage shows when it is read.
      if (bench.kind === 'endpoint') assert.ok(outcome instanceof Error, `changed bytes were taken: put of ${size} bytes resolved`)
      const found = await outcomeOf(store.get(`a-${n}`))
      assert.ok(StreambedError.is(found, 'NOT_FOUND', 'CORRUPT', 'UNSUPPORTED'), `read after a put of changed bytes: ${found instanceof Error ? String(found) : 'bytes'}`)
    }
    assert.equal(plane.befallen.corrupt, 4)
  })

  check('OS-D03', 'bytes changed on the way down are CORRUPT, never returned (OS-6)', ['corrupt'], async bench => {
    await readsUnder(bench, { kind: 'corrupt', way: 'down' }, ['CORRUPT'])
  })

  check('OS-D04', 'an answer that ends early is an error, not a short object', ['cut'], async bench => {
    await readsUnder(bench, { kind: 'cut' }, ['UNAVAILABLE', 'CORRUPT', 'TIMEOUT'])
  })
}

/** Reads objects of several sizes, each time with the fault in one of the crossings that bring its bytes. */
async function readsUnder (bench: ObjectStoreBench, fault: Fault, codes: readonly ErrorCode[]): Promise<void> {
  const { plane, subject: store } = await bench.open({})
  const isOneCrossing = bench.kind !== 'files'
  let failures = 0
  for (const [n, size] of [100, 5 * KiB, 300 * KiB].entries()) {
    await store.put(`a-${n}`, pattern(size, n))
    for (let at = 0; at < (isOneCrossing ? 1 : 4); at++) {
      let crossing = 0
      const isOn = bytesDown(bench)
      plane.set({ fault, on: passage => isOn(passage) && crossing++ === at })
      const outcome = await outcomeOf(store.get(`a-${n}`))
      plane.set()
      if (outcome instanceof Error) await rejectsWith(Promise.reject(outcome), ...codes)
      else if (isOneCrossing) assert.fail(`a get of ${size} bytes resolved with ${outcome.length} bytes`)
      // A file may be read ahead; what was not needed may be wrong.
      else sameBytes(outcome, pattern(size, n), 'object read under faults')
      if (outcome instanceof Error) failures++
    }
    sameBytes(await store.get(`a-${n}`), pattern(size, n))
  }
  assert.ok(failures > 0, 'no read was hurt by what befell it')
}

function bytesUp ({ kind }: ObjectStoreBench): (passage: Passage) => boolean {
  return ({ action, call }) => action === 'write' && (kind !== 'files' || call === 'write')
}

function bytesDown ({ kind }: ObjectStoreBench): (passage: Passage) => boolean {
  return ({ action, call }) => action === 'read' && (kind === 'files' ? call === 'read' || call === 'readFile' : call !== 'HEAD' && call !== 'head')
}
