import { StreambedError } from '@streambed/sdk'
import type { ObjectStoreCapabilities } from '@streambed/sdk'
import assert from 'node:assert/strict'
import { pattern, rejectsWith, sameBytes, sameObject } from '../assertions.ts'
import type { ObjectStoreCheck } from './suite.ts'

export function conditionalChecks (check: ObjectStoreCheck, capabilities: ObjectStoreCapabilities): void {
  if (capabilities.conditionalCreate === 'none') return

  check('OS-X01', 'ifAbsent creates, and leaves alone what exists', async open => {
    const store = await open()
    const created = await store.put('a', pattern(10), { ifAbsent: true })
    await rejectsWith(store.put('a', pattern(20, 2), { ifAbsent: true }), 'ALREADY_EXISTS')
    sameObject(await store.head('a'), created)
    sameBytes(await store.get('a'), pattern(10))
  })

  check('OS-X02', 'of 32 racers for a key exactly one wins, and its bytes are stored (OS-3)', async open => {
    const stores = [await open(), await open(), await open(), await open()]
    for (let round = 0; round < 15; round++) {
      const key = `race/${round}`
      const outcomes = await Promise.allSettled(Array.from({ length: 32 }, (_, racer) => stores[racer % 4]!.put(key, pattern(100 + racer, racer), { ifAbsent: true })))
      const winners = outcomes.flatMap((outcome, racer) => outcome.status === 'fulfilled' ? [racer] : [])
      assert.equal(winners.length, 1, `winners of round ${round}`)
      for (const outcome of outcomes) if (outcome.status === 'rejected') assert.ok(StreambedError.is(outcome.reason, 'ALREADY_EXISTS'), String(outcome.reason))
      sameBytes(await stores[0]!.get(key), pattern(100 + winners[0]!, winners[0]!), "the winner's bytes")
    }
  })

  check('OS-X08', 'a deleted key can be created again, other bytes with another token', async open => {
    const store = await open()
    const tokens = new Set<string>()
    for (let n = 0; n < 30; n++) {
      tokens.add((await store.put('a', pattern(10, n), { ifAbsent: true })).versionToken)
      await store.delete(['a'])
    }
    assert.equal(tokens.size, 30)
  })

  if (capabilities.multipart === false) return
  const { conditionalComplete, partBytesMin } = capabilities.multipart

  if (!conditionalComplete) {
    check('OS-X03', 'uploads in parts with ifAbsent are refused where they are not declared', async open => {
      await rejectsWith((await open()).startMultipart('a', { ifAbsent: true }), 'UNSUPPORTED')
    })
    return
  }

  check('OS-X03', 'of uploads in parts that race for a key with ifAbsent exactly one completes', async open => {
    const store = await open()
    for (let round = 0; round < 5; round++) {
      const uploads = await Promise.all(Array.from({ length: 8 }, async (_, racer) => {
        const upload = await store.startMultipart(`race/${round}`, { ifAbsent: true })
        await upload.uploadPart(1, pattern(partBytesMin, racer))
        return upload
      }))
      const outcomes = await Promise.allSettled(uploads.map(upload => upload.complete()))
      const winners = outcomes.flatMap((outcome, racer) => outcome.status === 'fulfilled' ? [racer] : [])
      assert.equal(winners.length, 1)
      for (const outcome of outcomes) if (outcome.status === 'rejected') assert.ok(StreambedError.is(outcome.reason, 'ALREADY_EXISTS'), String(outcome.reason))
      sameBytes(await store.get(`race/${round}`), pattern(partBytesMin, winners[0]))
      await Promise.all(uploads.map(upload => upload.abort()))
    }
  })
}
