import assert from 'node:assert/strict'
import { StreambedError, type ObjectStore } from '@streambed/sdk'
import { EngineFixture, payload } from './engine-fixture.ts'

/** A store whose answers to puts are lost, and which gives whole objects that fail their checksum, so often. */
function lossy (store: ObjectStore, unreadable: number): ObjectStore {
  let lost = 0
  let left = unreadable
  return new Proxy(store, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      return async (...args: unknown[]): Promise<unknown> => {
        const result: unknown = await Reflect.apply(value, target, args)
        if (name === 'put' && lost++ === 0) throw new StreambedError('OUTCOME_UNKNOWN', 'no answer came')
        if (name === 'get' && left-- > 0) throw new StreambedError('CORRUPT', "the object's bytes fail their CRC-32C")
        return result
      }
    }
  })
}

describe('an upload that finds its object there already', () => {
  for (const unreadable of [1, 2, 3, 10]) {
    it(`goes on when the object's bytes fail their checksum ${unreadable} times, and the engine serves on`, async () => {
      const fixture = new EngineFixture()
      fixture.wrapStore = store => lossy(store, unreadable)
      const { catalog, engine } = await fixture.open({ uploadBytes: 1_000 })
      const stream = engine.stream(1)
      await stream.append({ baseOffset: 0, count: 1, largestTimestamp: -1, bytes: payload('batch-0', 1_000) }).durable
      await fixture.runUntil(engine.flush())
      assert.equal(catalog.stream(1)!.endOffset, 1)
      await engine.close()
    })
  }
})
