import { StreambedError, type Environment } from '@streambed/sdk'
import { BatchIndex, release } from '@streambed/sdk/batch-log'
import type { Medium } from './medium.ts'
import { scanRing } from './scan.ts'
import type { EpochState } from './slots.ts'

/**
 * Removes rings that a crash left behind: made, but not yet named by the epoch record, or no longer. Without any epoch
 * record they may be all that is left of a log, so only an empty one goes.
 */
export async function removeStrays (medium: Medium, state: EpochState | undefined, environment: Environment): Promise<void> {
  if (state === undefined) await refuseRemains(medium, environment)
  for (const ringId of await medium.ringIds()) {
    if (state?.rings.some(ring => ring.ringId === ringId) !== true) await medium.removeRing(ringId)
  }
}

/** Rejects with CORRUPT where there is no epoch record, but a ring with records. Changes nothing. */
export async function refuseRemains (medium: Medium, environment: Environment): Promise<void> {
  for (const ringId of await medium.ringIds()) {
    if (!await holdsRecords(medium, ringId, environment)) continue
    throw new StreambedError('CORRUPT', `the epoch record is missing, but a ring with records is there; restore the file "epoch", or move the ring away. path=${medium.path} ring=${ringId}`)
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
