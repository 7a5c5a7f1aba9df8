import { StreambedError } from '@streambed/sdk'
import type { ObjectStoreCapabilities } from '@streambed/sdk'
import assert from 'node:assert/strict'
import { pattern, rejectsWith, sameBytes, sameObject } from '../assertions.ts'
import { listAll, putAll } from './suite.ts'
import type { ObjectStoreCheck } from './suite.ts'

const kib = 1024
const mib = 1024 * kib

const rejectedKeys = ['', 'a\0b', 'a\nb', '\ud800', 'a/../b', '..', './a', '/a', 'a/', 'a//b', 'k'.repeat(901)]
const strangeKeys = [
  'plain', 'UPPER', 'upper', 'with space', 'plus+percent%2Fhash#query?amp&', "quote'\"", 'back\\slash', 'colon:star*', 'tilde~', '@object', 'a@object', 'a@more',
  'nfc-\u00e9', 'nfd-e\u0301', 'astral-\u{1f600}', '...', 'a/b', 'a', 'a/b/c', `${'long'.repeat(50)}/${'x'.repeat(255)}`, 'k'.repeat(900), '\u00e9'.repeat(450), 'a/'.repeat(449) + 'a'
]

export function coreChecks (check: ObjectStoreCheck, capabilities: ObjectStoreCapabilities): void {
  check('OS-C01', 'gets back what was put, of every size, whole or in pieces', async open => {
    const store = await open()
    for (const size of [0, 1, kib, 64 * kib - 1, 64 * kib, 64 * kib + 1, 256 * kib, 4 * mib - 1, 4 * mib, 4 * mib + 1, 8 * mib]) {
      const body = pattern(size, size + 1)
      const info = await store.put(`size-${size}`, body)
      assert.equal(info.size, size)
      assert.equal(info.key, `size-${size}`)
      sameBytes(await store.get(`size-${size}`), body, `object of ${size} bytes`)
    }
    const body = pattern(200_000)
    await store.put('pieces', [body.subarray(0, 1), body.subarray(1, 1), body.subarray(1, 70_000), body.subarray(70_000)])
    sameBytes(await store.get('pieces'), body, 'object put in pieces')
    await store.put('no-pieces', [])
    assert.equal((await store.get('no-pieces')).length, 0)
  })

  check('OS-C02', 'says NOT_FOUND of a missing key, whole, ranged or by head', async open => {
    const store = await open()
    await store.put('folder/there', pattern(1))
    for (const key of ['missing', 'folder', 'folder/there/below', 'folder/missing']) {
      await rejectsWith(store.get(key), 'NOT_FOUND')
      await rejectsWith(store.get(key, { range: { start: 0, end: 1 } }), 'NOT_FOUND')
      await rejectsWith(store.head(key), 'NOT_FOUND')
    }
  })

  check('OS-C03', 'head equals what put resolved with, and the token changes with the bytes', async open => {
    const store = await open()
    const first = await store.put('a', pattern(10))
    sameObject(await store.head('a'), first)
    const second = await store.put('a', pattern(10, 2))
    assert.notEqual(second.versionToken, first.versionToken)
    sameObject(await store.head('a'), second)
  })

  check('OS-C04', 'ranges give exactly the bytes that exist (OS-7)', async open => {
    const store = await open()
    const body = pattern(300_000)
    await store.put('a', body)
    await store.put('empty', new Uint8Array(0))
    const cases = [[0, 1], [0, 300_000], [0, 300_001], [299_999, 300_000], [299_999, 2 ** 40], [65_535, 65_537], [65_536, 131_072], [131_072, 131_073], [1, 299_999]]
    for (let n = 0; n < 200; n++) {
      const [x = 0, y = 0] = new Uint32Array(pattern(8, n + 7).buffer)
      cases.push([Math.min(x % 300_000, y % 300_000), Math.max(x % 300_000, y % 300_000) + 1])
    }
    for (const [start = 0, end = 0] of cases) sameBytes(await store.get('a', { range: { start, end } }), body.subarray(start, end), `range ${start}-${end}`)
    await rejectsWith(store.get('a', { range: { start: 300_001, end: 300_002 } }), 'OUT_OF_RANGE')
    await rejectsWith(store.get('empty', { range: { start: 1, end: 2 } }), 'OUT_OF_RANGE')
    // Exactly at the end there is nothing: services differ between no bytes and a refusal.
    for (const [key, start] of [['a', 300_000], ['empty', 0]] as const) {
      const bytes = await store.get(key, { range: { start, end: start + 10 } }).catch((error: unknown) => {
        assert.ok(StreambedError.is(error, 'OUT_OF_RANGE'))
        return new Uint8Array(0)
      })
      assert.equal(bytes.length, 0)
    }
    for (const range of [{ start: 1, end: 1 }, { start: 2, end: 1 }, { start: -1, end: 1 }, { start: 0.5, end: 2 }, { start: 0, end: NaN }]) {
      await rejectsWith(store.get('a', { range }), 'INVALID_ARGUMENT')
    }
  })

  check('OS-C05', 'an overwrite is seen by every instance (OS-1)', async open => {
    const [writer, reader] = [await open(), await open()]
    for (let version = 0; version < 20; version++) {
      await writer.put('a', pattern(1000, version))
      for (const store of [writer, reader]) sameBytes(await store.get('a'), pattern(1000, version), `version ${version}`)
    }
  })

  check('OS-C06', 'deleting twice, or what never was, is no error', async open => {
    const store = await open()
    await store.put('a', pattern(1))
    for (const key of ['a', 'a', 'never', 'no/such/folder']) assert.deepEqual(await store.delete([key]), [{ kind: 'deleted', key }])
    await rejectsWith(store.get('a'), 'NOT_FOUND')
  })

  check('OS-C07', 'deletes any number of keys, with an outcome each, in order', async open => {
    const store = await open()
    assert.deepEqual(await store.delete([]), [])
    const keys = Array.from({ length: 1001 }, (_, n) => `many/${n % 7}/${n}`)
    await putAll(store, keys.filter((_, n) => n % 3 !== 0))
    await store.put('kept', pattern(1))
    assert.deepEqual(await store.delete(keys), keys.map(key => ({ kind: 'deleted', key })))
    assert.deepEqual(await listAll(store, ''), ['kept'])
  })

  check('OS-C08', 'takes every allowed key, and keeps apart those that look alike', async open => {
    const store = await open()
    await putAll(store, strangeKeys)
    for (const key of strangeKeys) sameBytes(await store.get(key), Buffer.from(key), key.slice(0, 40))
    assert.deepEqual(new Set(await listAll(store, '')), new Set(strangeKeys))
    await store.delete(['nfc-\u00e9', 'a', 'UPPER'])
    await store.get('nfd-e\u0301')
    await store.get('a/b')
    await store.get('upper')
    await store.delete(strangeKeys)
    assert.deepEqual(await listAll(store, ''), [])
  })

  check('OS-C09', 'refuses keys outside the documented range', async open => {
    const store = await open()
    for (const key of rejectedKeys) {
      await rejectsWith(store.put(key, pattern(1)), 'INVALID_ARGUMENT')
      await rejectsWith(store.get(key), 'INVALID_ARGUMENT')
      await rejectsWith(store.head(key), 'INVALID_ARGUMENT')
      await rejectsWith(store.delete(['fine', key]), 'INVALID_ARGUMENT')
      if (capabilities.multipart !== false) await rejectsWith(store.startMultipart(key), 'INVALID_ARGUMENT')
    }
    assert.deepEqual(await listAll(store, ''), [])
  })

  check('OS-C12', 'a call with an aborted signal is refused, and one aborted later leaves nothing half-made', async open => {
    const store = await open()
    const aborted = AbortSignal.abort(new Error('enough'))
    await rejectsWith(store.put('a', pattern(1), { signal: aborted }), 'ABORTED')
    await rejectsWith(store.get('a', { signal: aborted }), 'ABORTED')
    await rejectsWith(store.head('a', { signal: aborted }), 'ABORTED')
    await rejectsWith(store.list('', { signal: aborted }), 'ABORTED')
    await rejectsWith(store.delete(['a'], { signal: aborted }), 'ABORTED')
    assert.deepEqual(await listAll(store, ''), [])
    const body = pattern(2 * mib)
    for (let n = 0; n < 20; n++) {
      const controller = new AbortController()
      const put = store.put(`later-${n}`, body, { signal: controller.signal }).then(() => 'put', (error: unknown) => error)
      for (let turn = 0; turn < n; turn++) await store.head('nothing').catch(() => {})
      controller.abort()
      const outcome = await put
      assert.ok(outcome === 'put' || StreambedError.is(outcome, 'ABORTED'), String(outcome))
      const found = await store.get(`later-${n}`).catch((error: unknown) => error)
      if (found instanceof Uint8Array) sameBytes(found, body, `object of put ${n}`)
      else assert.ok(outcome !== 'put' && StreambedError.is(found, 'NOT_FOUND'), String(found))
    }
  })

  check('OS-C14', 'keeps the bytes as they were when put resolved, and gives each reader its own (OS-8)', async open => {
    const store = await open()
    const body = pattern(100_000)
    await store.put('a', body)
    body.fill(0)
    const read = await store.get('a')
    sameBytes(read, pattern(100_000))
    read.fill(1)
    sameBytes(await store.get('a'), pattern(100_000), 'second read')
  })

  check('OS-C15', 'close is idempotent, lets calls in flight settle and refuses new ones', async open => {
    const store = await open()
    const puts = Array.from({ length: 8 }, (_, n) => store.put(`a-${n}`, pattern(100_000, n)))
    await Promise.all([store.close(), store.close()])
    const outcomes = await Promise.allSettled(puts)
    await store.close()
    await rejectsWith(store.put('b', pattern(1)), 'CLOSED')
    await rejectsWith(store.get('a-0'), 'CLOSED')
    await rejectsWith(store.head('a-0'), 'CLOSED')
    await rejectsWith(store.list(''), 'CLOSED')
    await rejectsWith(store.delete(['a-0']), 'CLOSED')
    await rejectsWith(store.preflight(), 'CLOSED')
    const again = await open()
    for (const [n, outcome] of outcomes.entries()) {
      if (outcome.status === 'fulfilled') sameBytes(await again.get(`a-${n}`), pattern(100_000, n))
      else assert.ok(StreambedError.is(outcome.reason, 'CLOSED'), String(outcome.reason))
    }
  })

  check('OS-C16', 'finds nothing wrong with a sound service, and refuses what it does not declare', async open => {
    const store = await open()
    assert.deepEqual(await store.preflight(), [])
    if (capabilities.multipart === false) await rejectsWith(store.startMultipart('a'), 'UNSUPPORTED')
    if (capabilities.conditionalCreate === 'none') await rejectsWith(store.put('a', pattern(1), { ifAbsent: true }), 'UNSUPPORTED')
    assert.deepEqual(await listAll(store, ''), [])
  })
}
