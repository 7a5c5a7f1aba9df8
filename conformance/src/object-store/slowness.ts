import { StreambedError } from '@streambed/sdk'
import assert from 'node:assert/strict'
import { pattern, rejectsWith, sameBytes } from '../assertions.ts'
import { within } from '../certify/within.ts'
import { Persistence } from '../faults/fault-harness.ts'
import type { ObjectStoreFaultCheck } from './fault-rules.ts'
import { inLanes, outcomeOf, told, untilHeld } from '../faults/outcomes.ts'

const MiB = 2 ** 20
const heapBytesMax = 64 * MiB
/** An aborted call ends at once; this is what a busy machine may make of that. */
const abortMsMax = 5_000

/** By range: a get of unknown size is given time for the largest object that is read so. */
const firstBytes = { range: { start: 0, end: 10 } }
const wholeRange = { range: { start: 0, end: MiB } }

export function slownessChecks (check: ObjectStoreFaultCheck): void {
  check('OS-F05', 'calls of which a third are slow all come to their end', ['delay'], async bench => {
    const { plane, subject: store } = await bench.open({})
    plane.set({ fault: { kind: 'delay', ms: bench.kind === 'files' ? bench.pace.spellMs / 10 : bench.pace.spellMs }, share: 0.35 })
    const persistence = new Persistence(bench)
    const calls = Array.from({ length: 40 }, (_, n) => n)
    await inLanes(calls, calls.length, async n => {
      await persistence.until(() => within(bench.clock, bench.pace.callMsMax, 'a slow put did not end', store.put(`a/${n}`, pattern(2000, n))))
      sameBytes(await persistence.until(() => within(bench.clock, bench.pace.callMsMax, 'a slow get did not end', store.get(`a/${n}`))), pattern(2000, n), `object ${n}`)
    })
    assert.ok((plane.befallen.delay ?? 0) > 0)
  })

  check('OS-F06', 'a call that nobody answers ends when its caller aborts it and, on a network, by itself', ['hold'], async bench => {
    const { plane, subject: store } = await bench.open({})
    const { subject: other } = await bench.open({})
    await store.put('a', pattern(10))
    plane.set({ fault: { kind: 'hold' } })
    const aborter = new AbortController()
    const aborted = rejectsWith(store.get('a', { signal: aborter.signal }), 'ABORTED')
    await untilHeld(bench, plane)
    aborter.abort()
    await within(bench.clock, Math.min(abortMsMax, bench.pace.callMsMax), `an aborted call did not end within ${Math.min(abortMsMax, bench.pace.callMsMax) / 1000} s`, aborted)
    if (bench.kind === 'endpoint') {
      const limit = `nobody answers, and the call did not end within ${bench.pace.callMsMax / 1000} s`
      const [get, head, put] = await within(bench.clock, bench.pace.callMsMax, limit, Promise.all([outcomeOf(store.get('a', firstBytes)), outcomeOf(store.head('a')), outcomeOf(store.put('b', pattern(10)))]))
      for (const outcome of [get, head]) assert.ok(StreambedError.is(outcome, 'TIMEOUT', 'UNAVAILABLE'), `a read that nobody answers: ${told(outcome)}`)
      assert.ok(StreambedError.is(put, 'OUTCOME_UNKNOWN'), `a put that nobody answers: ${told(put)}`)
    }
    plane.heal()
    sameBytes(await other.get('a'), pattern(10))
    sameBytes(await new Persistence(bench).until(() => store.get('a')), pattern(10), 'read when answers come again')
  })

  check('OS-F07', 'a trickle ends at the deadline, and takes no memory', ['bandwidth'], async bench => {
    const { plane, subject: store } = await bench.open({})
    const body = pattern(MiB)
    await store.put('a', body)
    const heapBefore = heapBytes()
    plane.set({ fault: { kind: 'bandwidth', bytesPerSecond: 1000 } })
    const limitMs = bench.pace.callMsMax
    const outcomes = await within(bench.clock, limitMs, `calls over 1 KB/s did not end within ${limitMs / 1000} s`, Promise.all([...Array.from({ length: 4 }, () => outcomeOf(store.get('a', wholeRange))), outcomeOf(store.put('b', body))]))
    const grown = heapBytes() - heapBefore
    plane.heal()
    for (const outcome of outcomes) assert.ok(StreambedError.is(outcome, 'TIMEOUT', 'UNAVAILABLE', 'OUTCOME_UNKNOWN'), `a call over 1 KB/s: ${told(outcome)}`)
    assert.ok(grown < heapBytesMax, `memory grew by ${Math.round(grown / MiB)} MiB`)
    sameBytes(await store.get('a'), body)
  })

}

function heapBytes (): number {
  const { external, heapUsed } = process.memoryUsage()
  return heapUsed + external
}
