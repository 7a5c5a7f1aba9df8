import { StreambedError, type ErrorCode, type Metrics, type ObjectStoreCapabilities } from '@streambed/sdk'
import { RemoteObjectStore } from '@streambed/sdk/remote'
import { VirtualClock, memoryObjectStoreCapabilities, testEnvironment } from '@streambed/sdk/testing'
import { objectStoreConformance } from '@streambed/conformance'
import assert from 'node:assert/strict'
import { MemoryService, ServiceError } from './memory-service.ts'

const never = (): Promise<void> => new Promise(() => {})
const body = Buffer.from('some bytes')
const code = (pending: Promise<unknown>): Promise<ErrorCode | 'resolved' | 'untyped'> => pending.then(() => 'resolved' as const, (error: unknown) => StreambedError.is(error) ? error.code : 'untyped')

function setUp (change: Partial<ObjectStoreCapabilities> = {}) {
  const clock = new VirtualClock()
  const service = new MemoryService(() => clock.wallMs())
  const counts: Record<string, number> = {}
  const metrics: Metrics = { count: (name, by = 1) => { counts[name] = (counts[name] ?? 0) + by }, gauge: () => {}, observe: () => {} }
  const environment = { ...testEnvironment({ clock }), metrics }
  const store = new RemoteObjectStore(service, { ...memoryObjectStoreCapabilities, ...change }, { prefix: 'pre/', requestTimeoutMs: 1_000, bytesPerSecondMin: 1_000 }, environment)
  return { service, clock, counts, store }
}

describe('sdk: RemoteObjectStore', () => {
  for (const [loss, request] of [['before', 'OUTCOME_UNKNOWN'], ['after', 'resolved']] as const) {
    it(`a create whose answer is lost ${loss} it took effect ${request === 'resolved' ? 'is recognised as its own' : 'is OUTCOME_UNKNOWN'} (OS-4)`, async () => {
      const { service, store } = setUp()
      service.disturb = (name, when) => { if (name === 'put' && when === loss) throw new Error('connection reset') }
      assert.equal(await code(store.put('a', body, { ifAbsent: true })), request)
    })
  }

  it('a create that was sent twice underneath is not told as another\'s win (OS-4)', async () => {
    const { service, store } = setUp()
    const put = service.put.bind(service)
    service.put = async request => {
      await put(request)
      return await put(request)
    }
    const stored = await store.put('a', body, { ifAbsent: true })
    assert.equal(stored.versionToken, (await store.head('a')).versionToken)
  })

  it('a create that meets another\'s object is ALREADY_EXISTS, also when its answer was lost', async () => {
    const { service, store } = setUp()
    await store.put('a', body, { ifAbsent: true })
    assert.equal(await code(store.put('a', body, { ifAbsent: true })), 'ALREADY_EXISTS')
    service.disturb = name => { if (name === 'put') throw new Error('connection reset') }
    assert.equal(await code(store.put('a', body, { ifAbsent: true })), 'ALREADY_EXISTS')
  })

  it('a create that meets a rival under way is asked for again, until there is a verdict (OS-X05)', async () => {
    const { clock, service, store } = setUp()
    let left = 3
    service.disturb = (name, when) => { if (name === 'put' && when === 'before' && left-- > 0) throw new ServiceError('CONFLICT') }
    const pending = store.put('a', body, { ifAbsent: true })
    for (let n = 0; n < 10; n++) await clock.run(100)
    assert.equal((await pending).size, body.length)
    assert.equal(service.requests.filter(name => name === 'put').length, 4)
    left = Infinity
    const endless = code(store.put('b', body, { ifAbsent: true }))
    for (let n = 0; n < 20; n++) await clock.run(500)
    assert.equal(await endless, 'UNAVAILABLE')
  })

  it('a create that cannot be read back stays in doubt; one refused stays refused', async () => {
    const { service, store } = setUp()
    await store.put('taken', body)
    service.disturb = (name, when) => { if (name === 'head' || (name === 'put' && when === 'after')) throw new ServiceError('THROTTLED') }
    service.failureOf = error => error instanceof ServiceError && error.failure.code !== 'THROTTLED' ? error.failure : { code: 'NO_VERDICT', detail: '' }
    assert.equal(await code(store.put('new', body, { ifAbsent: true })), 'OUTCOME_UNKNOWN')
    assert.equal(await code(store.put('taken', body, { ifAbsent: true })), 'ALREADY_EXISTS')
  })

  it('a create that stays in doubt is told with the words of the service', async () => {
    const { service, store } = setUp()
    service.disturb = name => { if (name === 'put') throw new ServiceError('NO_VERDICT', 'status=400 code=SomethingNew message=no such thing') }
    await assert.rejects(store.put('new', body, { ifAbsent: true }), error => StreambedError.is(error, 'OUTCOME_UNKNOWN') && error.message.includes('code=SomethingNew message=no such thing'))
  })

  const silent: readonly { readonly name: string, readonly call: (store: RemoteObjectStore) => Promise<unknown>, readonly want: ErrorCode }[] = [
    { name: 'put', call: store => store.put('a', body), want: 'OUTCOME_UNKNOWN' },
    { name: 'get', call: store => store.get('a', { range: { start: 0, end: 1 } }), want: 'TIMEOUT' },
    { name: 'head', call: store => store.head('a'), want: 'TIMEOUT' },
    { name: 'list', call: store => store.list(''), want: 'TIMEOUT' },
    { name: 'delete', call: store => store.delete(['a']), want: 'TIMEOUT' }
  ]
  for (const { call, name, want } of silent) {
    it(`a ${name} without an answer ends in ${want} at its deadline, not before, and its request is aborted`, async () => {
      const { clock, service, store } = setUp()
      service.disturb = never
      let outcome: string | undefined
      const ended = code(call(store)).then(value => { outcome = value })
      await clock.run(999)
      assert.equal(outcome, undefined)
      await clock.run(1_000)
      await ended
      assert.equal(outcome, want)
      await store.close()
      assert.ok(service.isClosed)
    })
  }

  it('gives large bodies more time, by their size', async () => {
    const { clock, service, store } = setUp()
    service.disturb = never
    let outcome: string | undefined
    const ended = code(store.put('a', new Uint8Array(5_000))).then(value => { outcome = value })
    await clock.run(5_999)
    assert.equal(outcome, undefined)
    await clock.run(1)
    await ended
    assert.equal(outcome, 'OUTCOME_UNKNOWN')
  })

  it('an abort ends the wait at once and reaches the service', async () => {
    const { service, store } = setUp()
    let seen: AbortSignal | undefined
    service.head = async (...[, signal]: [string, AbortSignal?]) => { seen = signal; return await new Promise<never>(() => {}) }
    const controller = new AbortController()
    const pending = code(store.head('a', { signal: controller.signal }))
    controller.abort()
    assert.equal(await pending, 'ABORTED')
    assert.ok(seen?.aborted)
  })

  it('bytes altered on the way up are refused, those altered at rest or on the way down are never returned (OS-6)', async () => {
    const { service, store } = setUp()
    const changed = Uint8Array.from(body)
    const put = store.put('a', changed)
    changed[0]! ^= 1
    assert.equal(await code(put), 'CORRUPT')
    await store.put('a', body)
    const get = service.get.bind(service)
    service.get = async (name, range) => {
      const answer = await get(name, range)
      answer.bytes[3]! ^= 1
      return answer
    }
    assert.equal(await code(store.get('a')), 'CORRUPT')
  })

  it('puts the prefix in front of every name, and takes it off again', async () => {
    const { service, store } = setUp()
    await store.put('a', body)
    service.medium.store('other/b', body, 1)
    assert.deepEqual([...service.medium.objects.keys()], ['pre/a', 'other/b'])
    assert.deepEqual((await store.list('')).objects.map(({ key }) => key), ['a'])
    assert.deepEqual((await store.list('', { startAfter: 'a' })).objects, [])
  })

  it('deletes in batches as large as the service takes', async () => {
    const { counts, service, store } = setUp()
    const keys = Array.from({ length: 8 }, (_, n) => `k${n}`)
    for (const key of keys) await store.put(key, body)
    assert.deepEqual(await store.delete(keys), keys.map(key => ({ kind: 'deleted', key })))
    assert.equal(service.medium.objects.size, 0)
    assert.deepEqual(counts, { object_store_put_requests: 8, object_store_put_bytes: 80, object_store_delete_requests: 3 })
  })

  it('a completion whose answer is lost is found done (OS-M05)', async () => {
    for (const lost of ['connection reset', new ServiceError('NOT_FOUND')]) {
      const { service, store } = setUp()
      const upload = await store.startMultipart('a')
      await upload.uploadPart(1, body)
      service.disturb = (name, when) => { if (name === 'complete' && when === 'after') throw lost instanceof Error ? lost : new Error(lost) }
      assert.equal((await upload.complete()).size, body.length)
      assert.deepEqual(Buffer.from(await store.get('a')), body)
    }
  })

  it('a completion whose answer tells no version is asked for it, which is counted', async () => {
    const { counts, service, store } = setUp()
    service.tellsVersions = false
    const upload = await store.startMultipart('a')
    await upload.uploadPart(1, body)
    const { versionToken } = await upload.complete()
    assert.equal(counts['object_store_get_requests'], 1)
    assert.equal(versionToken, (await store.head('a')).versionToken)
  })

  it('an upload that was swept cannot be completed, whatever is there by now', async () => {
    const { store } = setUp()
    const upload = await store.startMultipart('a')
    await upload.uploadPart(1, body)
    assert.equal(await store.sweepUploads('', Infinity), 1)
    await store.put('a', body)
    assert.equal(await code(upload.complete()), 'NOT_FOUND')
  })

  it('of two sendings of one part the one asked for last wins, whichever the service finishes first (OS-M03)', async () => {
    const { service, store } = setUp()
    const upload = await store.startMultipart('a')
    let release = (): void => {}
    const gate = new Promise<void>(resolve => { release = resolve })
    let first = true
    service.disturb = async (name, when) => {
      if (name !== 'part' || when === 'after' || !first) return
      first = false
      await gate
    }
    const sendings = [upload.uploadPart(1, Buffer.from('first')), upload.uploadPart(1, Buffer.from('second'))]
    release()
    await Promise.all(sendings)
    await upload.complete()
    assert.equal(Buffer.from(await store.get('a')).toString(), 'second')
  })

  it('sweeps no upload by an answer that lists what was not asked for', async () => {
    for (const odd of [{ name: 'other/a', uploadId: '1', startedMs: 0 }, { name: 'pre/a', uploadId: '', startedMs: 0 }]) {
      const { service, store } = setUp()
      service.multipart.list = async function * () { yield odd }
      assert.equal(await code(store.sweepUploads('', Infinity)), 'UNAVAILABLE')
      assert.deepEqual(service.requests, [])
    }
  })

  it('lists no marks of folders, and what follows them', async () => {
    const { service, store } = setUp()
    for (const name of ['pre/a/', 'pre/b/', 'pre/c/']) service.medium.store(name, new Uint8Array(), 1)
    await store.put('d', body)
    assert.deepEqual((await store.list('', { limit: 1 })).objects.map(({ key }) => key), ['d'])
  })

  it('believes no page, head or write of the service that says less than it must', async () => {
    const { service, store } = setUp()
    await store.put('a', body)
    service.list = async () => ({ objects: [], isLast: false })
    service.head = async () => ({ size: NaN, versionToken: 't', modifiedMs: 1 })
    service.get = async () => ({ bytes: body, isWhole: true })
    service.delete = async () => []
    for (const ask of [() => store.list(''), () => store.head('a'), () => store.get('a', { range: { start: 0, end: 2 } }), () => store.delete(['a'])]) assert.equal(await code(ask()), 'UNAVAILABLE')
    service.put = async () => ({ versionToken: '' })
    assert.equal(await code(store.put('b', body)), 'OUTCOME_UNKNOWN')
  })

  it('preflight names what does not hold: here, creates that overwrite', async () => {
    const { service, store } = setUp()
    const put = service.put.bind(service)
    service.put = request => put({ ...request, ifAbsent: false })
    const findings = await store.preflight()
    assert.deepEqual(findings.map(({ severity }) => severity), ['error'])
    assert.match(findings[0]!.problem, /overwritten/)
    assert.equal(service.medium.objects.size, 0)
  })

  it('preflight tells of a refused write once, with the service\'s words', async () => {
    const { service, store } = setUp()
    service.disturb = name => { if (name === 'put') throw new ServiceError('PERMISSION_DENIED', 'status=403 code=AccessDenied') }
    const findings = await store.preflight()
    assert.equal(findings.length, 1)
    assert.match(findings[0]!.problem, /PERMISSION_DENIED.*status=403 code=AccessDenied/)
  })
})

objectStoreConformance({ describe, it }, {
  name: 'RemoteObjectStore over a service in memory',
  capabilities: memoryObjectStoreCapabilities,
  prepare: async () => {
    const environment = testEnvironment()
    const service = new MemoryService(() => environment.clock.wallMs())
    return {
      open: async () => new RemoteObjectStore(service, memoryObjectStoreCapabilities, { prefix: 'p/', requestTimeoutMs: 10_000, bytesPerSecondMin: 1_000_000 }, environment),
      cleanUp: async () => {}
    }
  }
})
