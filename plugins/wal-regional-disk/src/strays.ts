import { StreambedError, type Environment } from '@streambed/sdk'
import { BatchIndex, release } from '@streambed/sdk/batch-log'
import type { Medium } from './medium.ts'
import { scanRing } from './scan.ts'
import type { EpochState } from './slots.ts'

/**
 * Removes rings that a crash left behind: made, but not yet named by the epoch record, or no longer. Without any epoch
 * record they may be all that is left of a log, and behind the last that it names they are what an older one does not know: so of those
 * only empty ones go.
 */
export async function removeStrays (medium: Medium, state: EpochState | undefined, environment: Environment): Promise<void> {
  await refuseRemains(medium, state, environment)
  for (const ringId of await medium.ringIds()) {
    if (state?.rings.some(ring => ring.ringId === ringId) !== true) await medium.removeRing(ringId)
  }
}

/**
 * Rejects with CORRUPT where a ring with records lies behind the last one that the epoch record names, or there is none: ids rise, and a
 * ring gets records only once it is named. Changes nothing.
 */
export async function refuseRemains (medium: Medium, state: EpochState | undefined, environment: Environment): Promise<void> {
  const newest = state?.rings.at(-1)?.ringId ?? -1
  for (const ringId of await medium.ringIds()) {
    if (ringId <= newest || !await holdsRecords(medium, ringId, environment)) continue
    throw new StreambedError('CORRUPT', `the epoch record is ${state === undefined ? 'missing' : 'older than the log'}, but a ring with records is there; restore the file "epoch", or move the ring away. path=${medium.path} ring=${ringId}`)
  }
}

async function holdsRecords (medium: Medium, ringId: number, environment: Environment): Promise<boolean> {
  let ring
  try {
    ring = await medium.openRing({ ringId, size: 0, area: 0 })
  } catch (error) {
    // A crash while it was made: it had no header yet.
    if (StreambedError.is(error, 'NOT_FOUND')) return false
    throw error
  }
  try {
    const { scanStart, base } = ring.state
    const scan = await scanRing(ring, undefined, new BatchIndex(), environment)
    return scanStart !== base || scan.end !== base || scan.damage !== undefined
  } finally {
    await release(environment.logger, 'ring', () => ring.close())
  }
}
