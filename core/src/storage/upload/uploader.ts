import { StreambedError, sleep, withRetry, type Environment, type ObjectStore, type RetryOptions, type Wal, type WalPosition } from '@streambed/sdk'
import type { LogCache, LogSegment } from '../cache/log-cache.ts'
import type { Catalog } from '../catalog/catalog.ts'
import { objectKey } from '../object/object-key.ts'
import { encodeObject, type EncodedObject } from '../object/object-writer.ts'
import type { StorageOptions } from '../options.ts'
import { planObjects } from './object-plan.ts'
import { putObject } from './object-put.ts'

export interface UploaderParts {
  readonly cache: LogCache
  readonly wal: Wal
  readonly catalog: Catalog
  readonly store: ObjectStore
  readonly environment: Environment
  readonly options: StorageOptions
  /** Told of the first error that ends uploading for good. */
  readonly onFailed: (error: unknown) => void
}

const untilStopped: RetryOptions = { delayMsMin: 50, delayMsMax: 5_000, deadlineMs: Infinity }
/** Of segments whose objects are put at a time: while one waits for the store, the next is laid out. */
const segmentsInFlightMax = 2

/** A segment whose objects are being put, or are there. */
interface Upload { readonly segment: LogSegment, readonly objects: Promise<readonly EncodedObject[]> }

/**
 * Moves sealed segments into objects: reserve ids, put, commit, trim. Two segments may be put at a time; they are committed one at a time in
 * WAL order. A crash at any point between leaves either orphans that are found by their reserved ids, or records in the WAL
 * that recovery recognises as committed.
 */
export class Uploader {
  readonly #parts: UploaderParts
  readonly #stop = new AbortController()
  #wake: (() => void) | undefined
  #flushing: { readonly resolve: () => void, readonly reject: (error: unknown) => void }[] = []
  #failure: unknown
  #running: Promise<void> = Promise.resolve()
  /** What may be trimmed once recovery has read, and checked, the whole WAL. */
  #heldTrim: WalPosition | undefined
  #mayTrim = false

  constructor (parts: UploaderParts) { this.#parts = parts }

  start (): void { this.#running = this.#run() }

  /** Until then segments are uploaded and committed, and the WAL keeps what it holds. */
  async allowTrims (): Promise<void> {
    this.#mayTrim = true
    if (this.#heldTrim !== undefined) await this.#parts.wal.trim(this.#heldTrim)
  }

  /** Called whenever the cache has grown. */
  onGrowth (): void {
    const { cache, options } = this.#parts
    if (cache.activeBytes < options.uploadBytes) return
    cache.seal()
    this.#wake?.()
  }

  /** Uploads what there is, unless an upload is on its way already: room is short. */
  relieve (): void {
    const { cache } = this.#parts
    if (cache.sealed.length > 0) return
    cache.seal()
    this.#wake?.()
  }

  /** Uploads all that the cache holds now; rejects with what ended uploading, or CLOSED. */
  flush (): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    if (this.#stop.signal.aborted) return Promise.reject(new StreambedError('CLOSED', 'the uploader is closed'))
    return new Promise((resolve, reject) => {
      this.#parts.cache.seal()
      this.#flushing.push({ resolve, reject })
      this.#wake?.()
    })
  }

  /** Stops without uploading the rest: the WAL has it. */
  async close (): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  async #run (): Promise<void> {
    const { cache } = this.#parts
    const inFlight: Upload[] = []
    try {
      while (!this.#stop.signal.aborted) {
        while (inFlight.length < Math.min(segmentsInFlightMax, cache.sealed.length)) inFlight.push(this.#begin(cache.sealed[inFlight.length]!))
        const oldest = inFlight[0]
        if (oldest === undefined) {
          const waiting = this.#flushing
          this.#flushing = []
          for (const { resolve } of waiting) resolve()
          await this.#waitForWork()
        } else if (await this.#isPut(oldest, inFlight.length)) {
          await this.#finish(oldest)
          inFlight.shift()
        }
      }
      this.#failure ??= new StreambedError('CLOSED', 'the uploader is closed')
    } catch (error) {
      this.#failure = error
      if (!this.#stop.signal.aborted) this.#parts.onFailed(error)
    }
    for (const { reject } of this.#flushing) reject(this.#failure)
    this.#flushing = []
    // Nobody commits them any more: what they put is an orphan.
    const orphans = await Promise.allSettled(inFlight.map(({ objects }) => objects))
    if (StreambedError.is(this.#failure, 'FENCED')) await this.#deleteOrphans(orphans.flatMap(result => result.status === 'fulfilled' ? result.value : []))
  }

  /** Fenced, nothing of ours is committed any more, and whoever took over may have looked for orphans before these arrived. */
  async #deleteOrphans (objects: readonly EncodedObject[]): Promise<void> {
    const { environment, store } = this.#parts
    try {
      await store.delete(objects.map(({ commit }) => objectKey(commit.objectId)))
    } catch (error) {
      environment.logger.warn('objects that were never committed could not be deleted; a later sweep finds them', { error: String(error) })
    }
  }

  /** Until somebody seals a segment or the active one gets too old. */
  async #waitForWork (): Promise<void> {
    const { cache, environment, options } = this.#parts
    const woken = new AbortController()
    const stop = AbortSignal.any([this.#stop.signal, woken.signal])
    this.#wake = () => woken.abort()
    const dueMs = cache.activeSinceMs === undefined || options.uploadIntervalMs === 0 ? Infinity : cache.activeSinceMs + options.uploadIntervalMs
    const waitMs = Math.min(dueMs - environment.clock.monotonicMs(), Math.max(options.uploadIntervalMs / 4, 250))
    const hasSlept = waitMs <= 0 || await sleep(environment.clock, waitMs, { signal: stop }).then(() => true, () => false)
    this.#wake = undefined
    if (hasSlept && dueMs <= environment.clock.monotonicMs()) cache.seal()
  }

  #begin (segment: LogSegment): Upload {
    const objects = this.#putObjects(segment)
    // Awaited by the loop, which may meet the failure of an earlier segment first.
    objects.catch(() => undefined)
    return { segment, objects }
  }

  /** Until all of its objects are there (true), or there is room and another segment for it. */
  async #isPut ({ objects }: Upload, inFlightCount: number): Promise<boolean> {
    const isPut = objects.then(() => true)
    if (inFlightCount === segmentsInFlightMax) return await isPut
    const sealed = new Promise<boolean>(resolve => { this.#wake = () => resolve(false) })
    try {
      return await Promise.race([isPut, sealed])
    } finally {
      this.#wake = undefined
    }
  }

  async #putObjects (segment: LogSegment): Promise<readonly EncodedObject[]> {
    const { catalog, environment, options } = this.#parts
    const plan = planObjects(segment, options)
    const firstId = await withRetry(() => catalog.reserveObjectIds(plan.length), environment, untilStopped, this.#stop.signal)
    const objects: EncodedObject[] = []
    const puts: Promise<void>[] = []
    for (const [index, streams] of plan.entries()) {
      const object = await encodeObject(firstId + index, streams, options, environment)
      const put = putObject(this.#parts, object, untilStopped, this.#stop.signal)
      put.catch(() => undefined)
      objects.push(object)
      puts.push(put)
    }
    await Promise.all(puts)
    return objects
  }

  async #finish ({ objects: putting, segment }: Upload): Promise<void> {
    const { cache, catalog, environment, wal } = this.#parts
    const objects = await putting
    const commits = objects.map(object => object.commit)
    await withRetry(() => catalog.commitObjects(commits, segment.lastPosition), environment, untilStopped, this.#stop.signal)
    cache.markUploaded(segment)
    environment.metrics.count('uploaded_bytes', segment.bytes)
    environment.metrics.count('uploaded_objects', objects.length)
    if (this.#mayTrim) await wal.trim(segment.lastPosition)
    else this.#heldTrim = segment.lastPosition
  }
}
