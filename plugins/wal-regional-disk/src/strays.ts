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
  for (const ringId of await medium.ringIds()) {
    if (state?.rings.some(ring => ring.ringId === ringId) === true) continue
    // Ids rise, and a ring gets records only once it is named: what is behind the last one that is named proves an older record.
    if (ringId > (state?.rings.at(-1)?.ringId ?? -1) && await holdsRecords(medium, ringId, environment)) {
      throw new StreambedError('CORRUPT', `the epoch record is ${state === undefined ? 'missing' : 'older than the log'}, but a ring with records is there; restore the file "epoch", or move the ring away. path=${medium.path} ring=${ringId}`)
    }
    await medium.removeRing(ringId)
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
