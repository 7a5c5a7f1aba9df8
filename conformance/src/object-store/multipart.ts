import type { ObjectStoreCapabilities } from '@streambed/sdk'
import assert from 'node:assert/strict'
import { pattern, rejectsWith, sameBytes, sameObject } from '../assertions.ts'
import { listAll } from './suite.ts'
import type { ObjectStoreCheck } from './suite.ts'

export function multipartChecks (check: ObjectStoreCheck, capabilities: ObjectStoreCapabilities): void {
  if (capabilities.multipart === false) return
  const { partBytesMin, partsMax } = capabilities.multipart
  // Not a multiple of any block, so that blocks and parts do not share their ends.
  const partBytes = Math.max(partBytesMin, 100_003)

  check('OS-M01', 'parts become one object, the last as small as it likes', async open => {
    const store = await open()
    for (const partCount of [1, 2, 7]) {
      const body = pattern(partBytes * (partCount - 1) + 1)
      const upload = await store.startMultipart('a')
      for (let n = 0; n < partCount; n++) await upload.uploadPart(n + 1, [body.subarray(n * partBytes, n * partBytes + 1), body.subarray(n * partBytes + 1, (n + 1) * partBytes)])
      const info = await upload.complete()
      assert.equal(info.size, body.length)
      sameObject(await store.head('a'), info)
      sameBytes(await store.get('a'), body)
    }
    if (partBytesMin > 0) {
      const upload = await store.startMultipart('small')
      await upload.uploadPart(1, pattern(partBytesMin - 1))
        .then(async () => { await upload.uploadPart(2, pattern(1)); await rejectsWith(upload.complete(), 'INVALID_ARGUMENT') }, () => {})
      await upload.abort()
      await rejectsWith(store.head('small'), 'NOT_FOUND')
    }
  })

  check('OS-M02', 'the order of uploading does not matter', async open => {
    const store = await open()
    const upload = await store.startMultipart('a')
    const body = pattern(partBytes * 4)
    await Promise.all([4, 2, 3, 1].map(n => upload.uploadPart(n, body.subarray((n - 1) * partBytes, n * partBytes))))
    await upload.complete()
    sameBytes(await store.get('a'), body)
  })

  check('OS-M03', 'of a part sent again the last that resolved wins', async open => {
    const store = await open()
    const upload = await store.startMultipart('a')
    await upload.uploadPart(1, pattern(partBytes, 1))
    await upload.uploadPart(2, pattern(10, 2))
    await upload.uploadPart(1, pattern(partBytes + 5, 3))
    await upload.complete()
    sameBytes(await store.get('a'), Buffer.concat([pattern(partBytes + 5, 3), pattern(10, 2)]))
  })

  check('OS-M04', 'an upload with a gap, without parts, or ended cannot be completed', async open => {
    const store = await open()
    const upload = await store.startMultipart('a')
    await rejectsWith(upload.complete(), 'INVALID_ARGUMENT')
    await upload.uploadPart(1, pattern(partBytes))
    await upload.uploadPart(3, pattern(partBytes))
    await rejectsWith(upload.complete(), 'INVALID_ARGUMENT')
    await rejectsWith(store.head('a'), 'NOT_FOUND')
    await upload.uploadPart(2, pattern(partBytes))
    assert.equal((await upload.complete()).size, 3 * partBytes)
  })

  check('OS-M06', 'an aborted upload leaves nothing, and nothing of one is seen before its end', async open => {
    const store = await open()
    await store.put('a', pattern(3))
    const upload = await store.startMultipart('a')
    await upload.uploadPart(1, pattern(partBytes))
    sameBytes(await store.get('a'), pattern(3), 'object during an upload')
    assert.deepEqual(await listAll(store, ''), ['a'])
    await upload.abort()
    await upload.abort()
    await rejectsWith(upload.complete(), 'NOT_FOUND', 'INVALID_ARGUMENT')
    sameBytes(await store.get('a'), pattern(3), 'object after an aborted upload')
    assert.equal(await store.sweepUploads('', Number.MAX_SAFE_INTEGER), 0)
  })

  check('OS-M07', 'a sweep ends old uploads under its prefix and no others', async open => {
    const store = await open()
    const [stale, other] = [await store.startMultipart('stale/a'), await store.startMultipart('other/a')]
    for (const upload of [stale, other]) await upload.uploadPart(1, pattern(partBytes))
    assert.equal(await store.sweepUploads('stale/', 0), 0)
    assert.equal(await store.sweepUploads('stale/', Number.MAX_SAFE_INTEGER), 1)
    assert.equal(await store.sweepUploads('stale/', Number.MAX_SAFE_INTEGER), 0)
    // Ceph answers with 500 here, which leaves open whether it was done.
    await rejectsWith(stale.complete(), 'NOT_FOUND', 'OUTCOME_UNKNOWN')
    assert.equal((await other.complete()).size, partBytes)
  })

  check('OS-M08', 'part numbers outside the declared range are refused', async open => {
    const store = await open()
    const upload = await store.startMultipart('a')
    for (const number of [0, -1, 1.5, partsMax + 1]) await rejectsWith(upload.uploadPart(number, pattern(partBytes)), 'INVALID_ARGUMENT')
    await upload.abort()
  })
}
