import { sleep, type Environment, type ObjectStore } from '@streambed/sdk'
import type { Catalog, ObjectFacts, ObjectId } from '../catalog/catalog.ts'
import { objectKey } from '../object/object-key.ts'
import type { StorageOptions } from '../options.ts'

export interface GarbageCollectorParts {
  readonly catalog: Catalog
  readonly stores: ReadonlyMap<string, ObjectStore>
  readonly environment: Environment
  readonly options: StorageOptions
}

const batchMax = 1_000

/**
 * Deletes objects that no stream needs, after a grace period, and what uploads of earlier epochs left behind. Bytes
 * first, catalog second: a crash between repeats a deletion, which is harmless.
 */
export class GarbageCollector {
  readonly #parts: GarbageCollectorParts
  readonly #stop = new AbortController()
  #running: Promise<void> = Promise.resolve()

  constructor (parts: GarbageCollectorParts) { this.#parts = parts }

  start (): void { this.#running = this.#run() }

  async close (): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  /** One pass; resolves with the count of objects deleted. */
  async collect (): Promise<number> {
    const { catalog, environment, options } = this.#parts
    let deleted = 0
    for (;;) {
      const condemned = catalog.condemnedObjects(environment.clock.wallMs() - options.deletionGraceMs, batchMax)
      const gone = await this.#delete(condemned)
      if (gone.length > 0) await catalog.forgetObjects(gone)
      deleted += gone.length
      if (condemned.length < batchMax || gone.length === 0) break
    }
    for (;;) {
      const abandoned = catalog.abandonedObjectIds(batchMax)
      // An orphan may be in any store that was ever the default.
      const everywhere = [...this.#parts.stores.keys()].flatMap(store => abandoned.map(objectId => ({ objectId, store, size: 0 })))
      const gone = new Set(await this.#delete(everywhere))
      const confirmed = abandoned.filter(objectId => gone.has(objectId))
      if (confirmed.length > 0) await catalog.forgetObjects(confirmed)
      deleted += confirmed.length
      if (abandoned.length < batchMax || confirmed.length === 0) return deleted
    }
  }

  async #run (): Promise<void> {
    const { environment, options } = this.#parts
    while (!this.#stop.signal.aborted) {
      try {
        await this.collect()
      } catch (error) {
        environment.logger.warn('deleting unneeded objects failed, trying again later', { error: String(error) })
      }
      await sleep(environment.clock, options.garbageIntervalMs, { signal: this.#stop.signal }).catch(() => undefined)
    }
  }

  /** The ids that every store asked has deleted. */
  async #delete (objects: readonly ObjectFacts[]): Promise<ObjectId[]> {
    const failed = new Set<ObjectId>()
    for (const [name, store] of this.#parts.stores) {
      const ofStore = objects.filter(object => object.store === name)
      if (ofStore.length === 0) continue
      const outcomes = await store.delete(ofStore.map(object => objectKey(object.objectId)), { signal: this.#stop.signal })
      outcomes.forEach((outcome, index) => { if (outcome.kind === 'failed') failed.add(ofStore[index]!.objectId) })
    }
    return [...new Set(objects.filter(object => this.#parts.stores.has(object.store) && !failed.has(object.objectId)).map(object => object.objectId))]
  }
}
