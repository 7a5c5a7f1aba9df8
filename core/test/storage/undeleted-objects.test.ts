import assert from 'node:assert/strict'
import { StreambedError, type DeleteOutcome, type LogFields } from '@streambed/sdk'
import { MemoryObjectStore, VirtualClock, testEnvironment } from '@streambed/sdk/testing'
import { RetryingObjectStore } from '../../src/storage/object-store/retrying-object-store.ts'

describe('deletions of an object store under the host', () => {
  /** A store that refuses to delete `undeletable`, and what was told and counted. */
  function setUp (undeletable: ReadonlySet<string>): { readonly store: RetryingObjectStore, readonly warnings: LogFields[], readonly counts: Record<string, number> } {
    const environment = testEnvironment({ clock: new VirtualClock() })
    const warnings: LogFields[] = []
    const counts: Record<string, number> = {}
    const inner = new class extends MemoryObjectStore {
      override async delete (keys: readonly string[]): Promise<readonly DeleteOutcome[]> {
        return keys.map(key => undeletable.has(key) ? { kind: 'failed', key, error: new StreambedError('PERMISSION_DENIED', `no. key=${key}`) } : { kind: 'deleted', key })
      }
    }({ clock: environment.clock })
    const logger = { ...environment.logger, warn: (_: string, fields: LogFields = {}) => { warnings.push(fields) } }
    const metrics = { ...environment.metrics, count: (name: string, by = 1) => { counts[name] = (counts[name] ?? 0) + by } }
    return { store: new RetryingObjectStore(inner, { ...environment, logger, metrics }, { name: 'main' }), warnings, counts }
  }

  it('tells of keys that were not deleted in one line, whatever their number, and counts them', async () => {
    const keys = Array.from({ length: 1000 }, (_, index) => `k${index}`)
    const { counts, store, warnings } = setUp(new Set(keys.slice(3)))
    const outcomes = await store.delete(keys)
    assert.equal(outcomes.filter(({ kind }) => kind === 'failed').length, 997)
    assert.equal(warnings.length, 1)
    assert.deepEqual({ ...warnings[0], error: '' }, { asked: 1000, failed: 997, key: 'k3', error: '' })
    assert.match(String(warnings[0]!['error']), /no\. key=k3/)
    assert.deepEqual(counts, { object_store_undeleted_objects: 997 })
  })

  it('tells nothing where all were deleted', async () => {
    const { counts, store, warnings } = setUp(new Set())
    await store.delete(['a', 'b'])
    assert.deepEqual([warnings, counts], [[], {}])
  })
})
