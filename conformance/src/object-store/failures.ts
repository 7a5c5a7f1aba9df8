import { StreambedError, type ErrorCode } from '@streambed/sdk'
import assert from 'node:assert/strict'
import { pattern, rejectsWith, sameBytes } from '../assertions.ts'
import { FaultProxy } from '../fault-proxy/fault-proxy.ts'
import { NameService } from '../fault-proxy/name-service.ts'
import { NotRun, Persistence } from '../faults/fault-harness.ts'
import type { FaultPlane } from '../faults/fault-plane.ts'
import type { Refusal } from '../faults/fault.ts'
import { reads, writes, type ObjectStoreFaultCheck } from './fault-rules.ts'
import { inLanes } from '../faults/outcomes.ts'
import { listAll, putAll } from './suite.ts'

/** By how the contract names what a service says. */
const becomes: readonly { readonly as: Refusal, readonly to: 'get' | 'put', readonly codes: readonly ErrorCode[], readonly needsEndpoint?: boolean }[] = [
  { as: 'unavailable', to: 'get', codes: ['UNAVAILABLE'] },
  { as: 'denied', to: 'get', codes: ['PERMISSION_DENIED'] },
  { as: 'denied', to: 'put', codes: ['PERMISSION_DENIED'] },
  { as: 'reset', to: 'get', codes: ['UNAVAILABLE'] },
  { as: 'throttled', to: 'get', codes: ['THROTTLED'], needsEndpoint: true },
  { as: 'throttled', to: 'put', codes: ['THROTTLED'], needsEndpoint: true },
  { as: 'tooManyRequests', to: 'get', codes: ['THROTTLED'], needsEndpoint: true },
  { as: 'full', to: 'put', codes: ['OUT_OF_SPACE'] }
]
/** Services that have no word for being full. */
const wordless: readonly string[] = ['azure', 'gcs', 'oss']
const amplificationMax = 1.25
const stormCallers = 500
const movingName = 'moving.streambed.test'

export function failureChecks (check: ObjectStoreFaultCheck): void {
  check('OS-C11', "a medium's refusals become the contract's errors", ['refuse'], async bench => {
    const { plane, subject: store } = await bench.open({})
    await store.put('a', pattern(10))
    for (const { as, codes, needsEndpoint, to } of becomes) {
      if ((needsEndpoint === true && bench.kind !== 'endpoint') || (as === 'full' && wordless.includes(dialectSeen(plane) ?? ''))) continue
      plane.set({ fault: { kind: 'refuse', as }, on: to === 'get' ? reads : writes })
      const error = await rejectsWith(to === 'get' ? store.get('a') : store.put('b', pattern(10)), ...codes)
      assert.ok(error.message.length > 20 && error.cause !== undefined, `${as}: the error says what failed, and names its cause`)
    }
    plane.heal()
    sameBytes(await store.get('a'), pattern(10))
  })

  check('OS-F01', 'one refusal in ten is borne, and the plugin adds no requests of its own', ['refuse'], async bench => {
    const { plane, subject: store } = await bench.open({})
    const persistence = new Persistence(bench)
    plane.set({ fault: { kind: 'refuse', as: 'throttled' }, share: 0.1 })
    const before = plane.passages
    const calls = Array.from({ length: 100 }, (_, n) => n)
    await inLanes(calls, 8, async n => {
      await persistence.until(() => store.put(`a/${n}`, pattern(4096, n)))
      sameBytes(await persistence.until(() => store.get(`a/${n}`)), pattern(4096, n), `object ${n}`)
    })
    // One call is one request; on files it is many, and the count says nothing.
    if (bench.kind === 'endpoint') assertFew(plane.passages - before, 2 * calls.length, 'requests', 'calls that succeeded')
    plane.heal()
    assert.equal((await listAll(store, 'a/')).length, calls.length)
  })

  check('OS-F02', 'who is told to come back later does not come at once', ['refuse tooManyRequests'], async bench => {
    const { plane, subject: store } = await bench.open({})
    await store.put('a', pattern(10))
    for (let n = 0; n < 3; n++) {
      plane.set({ fault: { kind: 'refuse', as: 'tooManyRequests' }, times: 1 })
      const [before, startMs] = [plane.passages, bench.clock.monotonicMs()]
      const outcome = await store.get('a').then(() => 'got' as const, (error: unknown) => error)
      const tookMs = bench.clock.monotonicMs() - startMs
      if (outcome !== 'got') assert.ok(StreambedError.is(outcome, 'THROTTLED'), `expected THROTTLED, got ${String(outcome)}`)
      // A driver that waits as it was told (1 s) may try again itself.
      if (plane.passages - before > 1) assert.ok(tookMs >= 800, `told to wait 1 s, it came again within ${Math.round(tookMs)} ms`)
    }
  })

  check('OS-F08', 'finds an endpoint whose address has changed, also when names cannot be looked up for a while', ['refuse expired'], async bench => {
    const names = new NameService()
    names.set(movingName, '127.0.0.1')
    names.start()
    try {
      const { plane, subject: store } = await bench.open({ endpointName: movingName })
      if (!(plane instanceof FaultProxy)) throw new NotRun('it is about endpoints of HTTP', 'notApplicable')
      await store.put('a', pattern(100)).catch((cause: unknown) => { throw new NotRun(`the service does not answer to another host name than its own: ${String(cause)}`, 'notApplicable') })
      if (names.asked === 0) throw new NotRun('the plugin does not look names up through dns.lookup; over HTTPS it keeps its own name for the endpoint', 'missing')
      await plane.moveTo('127.0.0.2').catch((cause: unknown) => { throw new NotRun(`this machine has no second address on its loopback, 127.0.0.2: ${String(cause)}`) })
      names.failures = 3
      names.set(movingName, '127.0.0.2')
      sameBytes(await new Persistence({ ...bench, triesMax: 20 }).until(() => store.get('a')), pattern(100), 'read from the new address')
      await store.put('b', pattern(200))
      assert.equal(names.failures, 0, 'the name was not looked up again')
    } finally {
      names.stop()
    }
  })

  check('OS-F09', 'an expired credential may be tried again', ['refuse expired'], async bench => {
    const { plane, subject: store } = await bench.open({})
    await store.put('a', pattern(10))
    onlyS3(plane, "another service's words for an expired credential are not known to this version")
    const persistence = new Persistence(bench)
    plane.set({ fault: { kind: 'refuse', as: 'expired' }, times: 2 })
    sameBytes(await persistence.until(() => store.get('a')), pattern(10))
    plane.set({ fault: { kind: 'refuse', as: 'expired' }, times: 2 })
    await persistence.until(() => store.put('b', pattern(20)))
    sameBytes(await store.get('b'), pattern(20))
  })

  check('OS-F10', 'a clock that is off is named as that', ['refuse skewed'], async bench => {
    const { plane, subject: store } = await bench.open({})
    await store.put('a', pattern(10))
    onlyS3(plane, "another service's words for a clock that is off are not known to this version")
    plane.set({ fault: { kind: 'refuse', as: 'skewed' } })
    const outcome: unknown = await store.get('a').catch((error: unknown) => error)
    assert.ok(outcome instanceof Uint8Array || (StreambedError.is(outcome) && /clock|skew/i.test(outcome.message)), `expected an error that names the clock, got ${String(outcome)}`)
    plane.heal()
    sameBytes(await store.get('a'), pattern(10))
  })

  check('OS-F11', 'callers that are all refused do not make a storm, and go on when it ends', ['refuse'], async bench => {
    const { plane, subject: store } = await bench.open({})
    await store.put('a', pattern(100))
    const persistence = new Persistence({ ...bench, triesMax: 10_000 })
    // By count, not by time: so many refusals that every caller has had its share.
    plane.set({ fault: { kind: 'refuse', as: 'throttled' }, times: 2 * stormCallers })
    const before = plane.passages
    await inLanes(Array.from({ length: stormCallers }), stormCallers, async () => { sameBytes(await persistence.until(() => store.get('a')), pattern(100)) })
    if (bench.kind === 'endpoint') assertFew(plane.passages - before, persistence.attempts, 'requests', 'calls')
  })

  check('OS-F12', 'opens, lists and reads while half of all is refused', ['refuse'], async bench => {
    const rules = [{ fault: { kind: 'refuse', as: 'throttled' } as const, share: bench.kind === 'files' ? 0.01 : 0.5 }]
    const { subject: before } = await bench.open({})
    // On files a listing makes calls by the hundred, each of which can fail it.
    const keys = Array.from({ length: bench.kind === 'files' ? 30 : 100 }, (_, n) => `a/${n}`)
    await putAll(before, keys)
    const persistence = new Persistence(bench)
    const { subject: store } = await persistence.until(() => bench.open({ rules }))
    for (let n = 0; n < 12; n++) assert.equal((await persistence.until(() => listAll(store, 'a/'))).length, keys.length)
    await inLanes(keys, 8, async key => { sameBytes(await persistence.until(() => store.get(key)), Buffer.from(key), key) })
  })

  check('OS-F13', 'of a batch delete, the key that failed is told, and can be deleted again', ['failOneKey'], async bench => {
    const { plane, subject: store } = await bench.open({})
    const keys = Array.from({ length: 30 }, (_, n) => `a/${n}`)
    await putAll(store, keys)
    if (bench.kind === 'endpoint') onlyS3(plane, "another service's answers to a batch delete are not known to this version")
    plane.set({ fault: { kind: 'failOneKey' }, on: ({ action, call }) => action === 'delete' && (bench.kind !== 'files' || call === 'remove'), times: 1 })
    const outcomes = await store.delete(keys)
    plane.set()
    assert.deepEqual(outcomes.map(({ key }) => key), keys)
    const failed = outcomes.filter(outcome => outcome.kind === 'failed')
    assert.equal(failed.length, 1, 'keys told to have failed')
    assert.deepEqual(await store.delete(failed.map(({ key }) => key)), failed.map(({ key }) => ({ kind: 'deleted', key })))
    assert.deepEqual(await listAll(store, 'a/'), [])
  })
}

/** Whose words the plugin's requests are in; undefined where they are no requests of HTTP. */
export function dialectSeen (plane: FaultPlane): string | undefined { return plane instanceof FaultProxy ? plane.dialect : undefined }

function onlyS3 (plane: FaultPlane, reason: string): void { if (dialectSeen(plane) !== 's3') throw new NotRun(reason, 'missing') }

function assertFew (count: number, base: number, what: string, of: string): void {
  assert.ok(count <= amplificationMax * base, `${count} ${what} for ${base} ${of}: more than ${amplificationMax} each`)
}

