import { StreambedError, type FoundLog } from '@streambed/sdk'
import { rootEpoch, type SlotId } from './keys.ts'
import type { LogStore } from './log-store.ts'
import type { SettledPuts } from './settled-puts.ts'
import { encodeMark } from './take-over.ts'

const root: SlotId = { epoch: rootEpoch, slot: 0 }

/**
 * The log under the prefix; undefined where none is. Only reads (W-12). Its identity (W-10) is the token of the instance that put
 * the root: random, put if absent, never replaced or deleted, and there in every log that was ever opened.
 */
export async function findLog (log: LogStore): Promise<FoundLog | undefined> {
  // Whose it is, is checked with every header that is read.
  const { clusterId, nodeId } = log.owner
  const id = await rootToken(log)
  if (id !== undefined) return { clusterId, nodeId, id }
  const [first] = await log.groups()
  if (first === undefined) return undefined
  // It was made between the two calls, or its root was lost.
  const late = await rootToken(log)
  if (late === undefined) await log.header(log.keys.slotOf({ epoch: first[0], slot: first[1][0]!.slot }))
  return { clusterId, nodeId, id: late }
}

/** That of a log which has been taken over: who made it has put the root then, unless it was lost; a new one is put for that. */
export async function identityOf (log: LogStore, puts: SettledPuts, signal: AbortSignal): Promise<string> {
  const id = await rootToken(log)
  if (id !== undefined) return id
  // Nobody follows it: it is only read where no epoch has a slot, and one has now.
  await puts.put(log.keys.slotOf(root), encodeMark(log, 'fence', root, 0), signal)
  const minted = await rootToken(log)
  if (minted === undefined) throw new StreambedError('UNAVAILABLE', `the root of the log was put, and is not there. key=${log.keys.slotOf(root)}`)
  return minted
}

async function rootToken (log: LogStore): Promise<string | undefined> {
  try {
    const { token } = await log.header(log.keys.slotOf(root))
    return Buffer.from(token).toString('hex')
  } catch (error) {
    if (StreambedError.is(error, 'NOT_FOUND')) return undefined
    throw error
  }
}
