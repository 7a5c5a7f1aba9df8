import { StreambedError, type ObjectStoreCapabilities, type StoredObject } from '@streambed/sdk'
import assert from 'node:assert/strict'
import { pattern, rejectsWith, sameBytes } from '../assertions.ts'
import { NotRun, Persistence } from '../faults/fault-harness.ts'
import type { Refusal, Rule } from '../faults/fault.ts'
import { inLanes, outcomeOf, told, untilHeld } from '../faults/outcomes.ts'
import { dialectSeen } from './failures.ts'
import { once, publishing, writes, type ObjectStoreBench, type ObjectStoreFaultCheck } from './fault-rules.ts'

const objectCount = 60

export function lostAnswerChecks (check: ObjectStoreFaultCheck, capabilities: ObjectStoreCapabilities): void {
  const isConditional = capabilities.conditionalCreate === 'atomic'

  if (isConditional) {
    check('OS-X04', 'a create whose answer is lost is no loss to itself, and no win over another (OS-4)', ['loseAnswer'], async bench => {
      const { plane, subject: store } = await bench.open({})
      const { subject: rival } = await bench.open({})
      for (const [n, as] of (['reset', 'unavailable'] as const).entries()) {
        plane.set(once({ kind: 'loseAnswer', as }, publishing(bench.kind)))
        await wonOrUnknown(store.put(`mine-${n}`, pattern(1000, n), { ifAbsent: true }))
        plane.set()
        assert.equal(plane.befallen.loseAnswer, 2 * n + 1, 'no answer was lost: the put made no request that writes')
        await rejectsWith(rival.put(`mine-${n}`, pattern(10), { ifAbsent: true }), 'ALREADY_EXISTS')
        sameBytes(await rival.get(`mine-${n}`), pattern(1000, n), 'object whose answer was lost')
        await rival.put(`theirs-${n}`, pattern(20, n), { ifAbsent: true })
        plane.set(once({ kind: 'loseAnswer', as }, publishing(bench.kind)))
        await rejectsWith(store.put(`theirs-${n}`, pattern(30), { ifAbsent: true }), 'ALREADY_EXISTS', 'OUTCOME_UNKNOWN')
        plane.set()
        sameBytes(await rival.get(`theirs-${n}`), pattern(20, n), 'object of the rival')
      }
    })

    check('OS-X05', 'a service that is still deciding is asked again', ['refuse conflict'], async bench => {
      const { plane, subject: store } = await bench.open({})
      await store.put('a', pattern(10))
      if (dialectSeen(plane) !== 's3') throw new NotRun('the service is none of the S3 kind, whose answer 409 to a race this is about', 'notApplicable')
      for (let n = 0; n < 3; n++) {
        plane.set({ fault: { kind: 'refuse', as: 'conflict' }, on: writes, times: n })
        await store.put(`new-${n}`, pattern(100, n), { ifAbsent: true })
        sameBytes(await store.get(`new-${n}`), pattern(100, n))
        plane.set({ fault: { kind: 'refuse', as: 'conflict' }, on: writes, times: n })
        await rejectsWith(store.put(`new-${n}`, pattern(1), { ifAbsent: true }), 'ALREADY_EXISTS')
      }
    })

    check('OS-F14', 'a create that is held up loses to a later one', ['hold'], async bench => {
      const { plane, subject: store } = await bench.open({})
      const { subject: later } = await bench.open({})
      for (let n = 0; n < 3; n++) {
        const aborter = new AbortController()
        plane.set(once({ kind: 'hold' }, publishing(bench.kind)))
        const held = outcomeOf(store.put(`a-${n}`, pattern(100, n), { ifAbsent: true, signal: aborter.signal }))
        await untilHeld(bench, plane)
        aborter.abort()
        await later.put(`a-${n}`, pattern(200, n), { ifAbsent: true })
        plane.release()
        const outcome = await held
        assert.ok(outcome instanceof Error, 'the create that was held up says that it won')
      }
      await store.close()
      for (let n = 0; n < 3; n++) sameBytes(await later.get(`a-${n}`), pattern(200, n), 'object of the later create')
    })
  }

  if (capabilities.multipart !== false) {
    const partBytes = Math.max(1, capabilities.multipart.partBytesMin)
    check('OS-M05', 'an upload whose completion got no answer is there, or told to be in doubt', ['loseAnswer'], async bench => {
      const { plane, subject: store } = await bench.open({})
      for (const [n, as] of (['reset', 'unavailable'] as const).entries()) {
        const upload = await store.startMultipart(`a-${n}`)
        await upload.uploadPart(1, pattern(partBytes, n))
        await upload.uploadPart(2, pattern(100, n + 10))
        plane.set(once({ kind: 'loseAnswer', as }, publishing(bench.kind)))
        await wonOrUnknown(upload.complete())
        plane.set()
        sameBytes(await store.get(`a-${n}`), Buffer.concat([pattern(partBytes, n), pattern(100, n + 10)]), 'completed upload')
      }
    })
  }

  check('OS-F03', 'what took effect before its answer was an error is done once, and known', ['loseAnswer'], async bench => {
    await creates(bench, isConditional, [{ fault: { kind: 'loseAnswer', as: 'unavailable' }, on: publishing(bench.kind), share: 0.3 }])
  })

  check('OS-F04', 'connections that break before, in and after a request lose nothing', ['loseAnswer', 'refuse', 'cut'], async bench => {
    const broken: Refusal = 'reset'
    await creates(bench, isConditional, [
      { fault: { kind: 'refuse', as: broken }, share: 0.05 },
      { fault: { kind: 'loseAnswer', as: broken }, share: 0.05, on: publishing(bench.kind) },
      { fault: { kind: 'cut' }, share: 0.05, on: ({ action, call }) => bench.kind !== 'files' || (action === 'write' && call === 'write') }
    ])
  })
}

/** Creates objects under `rules`, as a broker would; each is there afterwards, and none was said to be somebody else's. */
async function creates ({ clock, open, random }: ObjectStoreBench, isConditional: boolean, rules: readonly Rule[]): Promise<void> {
  const { plane, subject: store } = await open({})
  plane.set(...rules)
  const keys = Array.from({ length: objectCount }, (_, n) => `made/${n}`)
  await inLanes(keys, 6, async (key, n) => {
    let mayBeThere = false
    try {
      await new Persistence({ clock, random }).until(() => store.put(key, pattern(500 + n, n), { ifAbsent: isConditional }), ({ code }) => { mayBeThere ||= code === 'OUTCOME_UNKNOWN' })
    } catch (error) {
      assert.ok(mayBeThere && StreambedError.is(error, 'ALREADY_EXISTS'), `${key}: nobody else makes it, yet its creation ended with ${String(error)}`)
    }
    sameBytes(await new Persistence({ clock, random }).until(() => store.get(key)), pattern(500 + n, n), `${key} read under faults`)
  })
  plane.heal()
  for (const [n, key] of keys.entries()) sameBytes(await store.get(key), pattern(500 + n, n), key)
  assert.ok(Object.values(plane.befallen).some(count => count > 0), 'no fault befell any request')
}

async function wonOrUnknown (pending: Promise<StoredObject>): Promise<void> {
  const outcome = await outcomeOf(pending)
  assert.ok(!(outcome instanceof Error) || StreambedError.is(outcome, 'OUTCOME_UNKNOWN'), `expected that it succeeds or is OUTCOME_UNKNOWN, got ${told(outcome)}`)
}
