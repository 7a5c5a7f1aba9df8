import { sleep, type Environment, type ObjectStore } from '@streambed/sdk'
import type { Catalog, ObjectFacts, ObjectId } from '../catalog/catalog.ts'
import { LostEndError } from '../catalog/lost-end.ts'
import { keySlices, objectIdOf, objectKey, slicePrefix } from '../object/object-key.ts'
import type { StorageOptions } from '../options.ts'
import type { ObjectMover } from './object-mover.ts'

export interface GarbageCollectorParts {
  readonly catalog: Catalog
  readonly stores: ReadonlyMap<string, ObjectStore>
  readonly environment: Environment
  readonly options: StorageOptions
  readonly mover: ObjectMover
  /** Told of what proves that the catalog lost its end. */
  readonly onFailed: (error: unknown) => void
}

const batchMax = 1_000

/** Where the slow sweep is in one store. */
interface SweepCursor { slice: number, startAfter: string | undefined }

/**
 * Deletes objects that no stream needs, after a grace period, and what uploads of earlier epochs left behind. Bytes
 * first, catalog second: a crash between repeats a deletion, which is harmless.
 *
 * An upload of a process that stood still may arrive after its name was deleted. So abandoned names are deleted once more after
 * the grace period, and a slow sweep, a page of keys at a time, finds what comes even later.
 */
export class GarbageCollector {
  readonly #parts: GarbageCollectorParts
  readonly #stop = new AbortController()
  readonly #cursors = new Map<string, SweepCursor>()
  #running: Promise<void> = Promise.resolve()

  constructor (parts: GarbageCollectorParts) { this.#parts = parts }

  start (): void { this.#running = this.#run() }

  async close (): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  /** One pass; resolves with the count of objects deleted. */
  async collect (): Promise<number> {
    const { catalog } = this.#parts
    return await this.#deleteCondemned() +
      await this.#deleteNamed(limit => catalog.abandonedObjectIds(limit), ids => catalog.abandonObjects(ids)) +
      await this.#deleteNamed(limit => catalog.lateObjectIds(this.#graceEndMs, limit), ids => catalog.forgetObjects(ids))
  }

  /** Looks at the next page of keys of every store, and deletes what nothing can ever need. Resolves with the count of objects. */
  async sweep (): Promise<number> {
    const { catalog, environment } = this.#parts
    let deleted = 0
    for (const [name, store] of this.#parts.stores) {
      const cursor = this.#cursors.get(name) ?? { slice: 0, startAfter: undefined }
      this.#cursors.set(name, cursor)
      const { objects } = await store.list(slicePrefix(cursor.slice), { signal: this.#stop.signal, ...cursor.startAfter === undefined ? {} : { startAfter: cursor.startAfter } })
      cursor.startAfter = objects.at(-1)?.key
      if (cursor.startAfter === undefined) cursor.slice = (cursor.slice + 1) % keySlices
      const forgotten = objects.map(({ key }) => key).filter(key => { const objectId = objectIdOf(key); return objectId !== undefined && catalog.isForgotten(objectId) })
      if (forgotten.length === 0) continue
      const outcomes = await store.delete(forgotten, { signal: this.#stop.signal })
      const gone = outcomes.filter(({ kind }) => kind !== 'failed').length
      if (gone > 0) environment.logger.info('deleted objects that arrived after they were given up', { store: name, objects: gone })
      deleted += gone
    }
    return deleted
  }

  /** What was noted at that wall-clock time, or earlier, has been left alone for long enough. */
  get #graceEndMs (): number { return this.#parts.environment.clock.wallMs() - this.#parts.options.deletionGraceMs }

  async #deleteCondemned (): Promise<number> {
    const { catalog } = this.#parts
    for (let deleted = 0; ;) {
      const condemned = catalog.condemnedObjects(this.#graceEndMs, batchMax)
      const gone = await this.#delete(condemned)
      if (gone.length > 0) await catalog.forgetObjects(gone)
      deleted += gone.length
      if (condemned.length < batchMax || gone.length === 0) return deleted
    }
  }

  /** Deletes what may be under these names, in any store that was ever the default, and takes note of it. */
  async #deleteNamed (next: (limit: number) => readonly ObjectId[], note: (objectIds: readonly ObjectId[]) => Promise<void>): Promise<number> {
    for (let deleted = 0; ;) {
      const objectIds = next(batchMax)
      const everywhere = [...this.#parts.stores.keys()].flatMap(store => objectIds.map(objectId => ({ objectId, store, size: 0 })))
      const gone = await this.#delete(everywhere)
      if (gone.length > 0) await note(gone)
      deleted += gone.length
      if (objectIds.length < batchMax || gone.length === 0) return deleted
    }
  }

  async #run (): Promise<void> {
    const { environment, options } = this.#parts
    while (!this.#stop.signal.aborted) {
      // A store that refuses one of these may take the others, and a full one has room for a move once something is deleted.
      for (const step of [() => this.collect(), () => this.sweep(), () => this.#parts.mover.move(this.#stop.signal)]) await this.#attempt(step)
      await sleep(environment.clock, options.garbageIntervalMs, { signal: this.#stop.signal }).catch(() => undefined)
    }
  }

  async #attempt (step: () => Promise<unknown>): Promise<void> {
    try {
      if (!this.#stop.signal.aborted) await step()
    } catch (error) {
      if (error instanceof LostEndError) this.#parts.onFailed(error)
      else this.#parts.environment.logger.warn('freeing the room of what is needed no more failed, trying again later', { error: String(error) })
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
