import { StreambedError, type Environment, type FileLock } from '@streambed/sdk'
import { tryLock } from './locks.ts'
import type { Medium, RingPlace } from './medium.ts'
import type { ScannedRing } from './old-rings.ts'
import { ringsMax } from './slots.ts'

/** Where a new ring goes, locked; or why there is no place. */
export type NewPlace =
  | { readonly area: number, readonly lock: FileLock }
  | { readonly problem: StreambedError }

/** What a taker found, and wants. */
export interface PlaceRequest {
  /** The ring written to last; undefined for a new log. */
  readonly last: ScannedRing | undefined
  /** Rings that still hold records. */
  readonly kept: readonly ScannedRing[]
  readonly areaCount: number
  readonly ringId: number
  readonly size: number
}

/**
 * A folder has place for any file until the record can name no more rings. A device has its other area, once nothing in it is
 * needed and nobody who might still write to it lives.
 */
export async function findPlace (medium: Medium, { last, kept, areaCount, ringId, size }: PlaceRequest, owned: AsyncDisposableStack, environment: Environment): Promise<NewPlace> {
  const full = (): NewPlace => ({ problem: new StreambedError('OVER_CAPACITY', `${kept.length} rings of earlier takeovers still hold records; end the processes that hold their locks, then start again. path=${medium.path}`) })
  if (kept.length >= ringsMax) return full()
  const place: RingPlace = { ringId, size, area: last === undefined ? 0 : (last.reference.area + 1) % areaCount }
  if (medium.kind === 'device' && last !== undefined) {
    if (areaCount === 1) return { problem: livesOn(medium, 'the log was formatted by an earlier version, with one ring alone') }
    if (kept.some(({ reference }) => reference !== last.reference && reference.area === place.area)) return full()
  }
  const lock = await tryLock(medium, place, owned, environment)
  return lock === undefined ? { problem: livesOn(medium, 'two earlier writers live') } : { area: place.area, lock }
}

function livesOn ({ path }: Medium, why: string): StreambedError {
  return new StreambedError('LOCKED', `an earlier writer lives on this host, perhaps stopped, and there is no place to go on beside it: ${why}. End it, then start again. path=${path}`)
}
