import { StreambedError, type Environment, type FileLock } from '@streambed/sdk'
import { release } from '@streambed/sdk/batch-log'
import type { Medium, RingPlace } from './medium.ts'

/** How often, and how long, an opener asks again while another one is inside `openWal`. */
const gateTriesMax = 2000
const gateWaitMsMax = 2000

/** Keeps other openers of this host out. Rejects with LOCKED when one of them does not finish. */
export async function lockGate (medium: Medium, { clock, yieldTurn }: Environment): Promise<FileLock> {
  const deadlineMs = clock.monotonicMs() + gateWaitMsMax
  for (let tries = 1; ; tries++) {
    try {
      return await medium.lockGate()
    } catch (error) {
      if (!StreambedError.is(error, 'LOCKED')) throw error
      if (tries >= gateTriesMax || clock.monotonicMs() >= deadlineMs) {
        throw new StreambedError('LOCKED', `another process is opening the log and does not finish; end it, or try again. path=${medium.path}`, { cause: error })
      }
      await yieldTurn()
    }
  }
}

/** The ring's lock, freed with `owned`; undefined while a writer of this host holds it, be it stopped. */
export async function tryLock (medium: Medium, place: RingPlace, owned: AsyncDisposableStack, { logger }: Environment): Promise<FileLock | undefined> {
  let lock: FileLock
  try {
    lock = await medium.lockRing(place)
  } catch (error) {
    if (StreambedError.is(error, 'LOCKED')) return undefined
    throw error
  }
  owned.defer(async () => { await release(logger, 'ring lock', () => lock.release()) })
  return lock
}
