import { StreambedError, type WalRecord } from '@streambed/sdk'
import { corrupt, decodeRecords } from './format.ts'
import type { LogStore } from './log-store.ts'
import { throwIfFenced, type ChainSlot } from './take-over.ts'

/** Objects are fetched ahead of the reader, this much of them at a time, but at least one. */
const aheadBytesMax = 32 * 2 ** 20
const aheadSlotsMax = 32

type Fetched = Awaited<ReturnType<LogStore['whole']>>

export interface RecoverOptions {
  readonly chain: readonly ChainSlot[]
  /** Records up to it are not yielded. */
  readonly trimmed: number
  /** Called with the position of a slot's last record before its records are yielded. */
  readonly onSlot: (index: number, lastPosition: number) => void
}

/** Reads the chain slot by slot, verifies that it is one, and yields its records. */
export async function * recover (log: LogStore, { chain, onSlot, trimmed }: RecoverOptions): AsyncGenerator<WalRecord, void, undefined> {
  const { crc32c } = log.environment
  const ahead: Promise<Fetched>[] = []
  let aheadBytes = 0
  let started = 0
  let next: number | undefined
  for (const [index, { id, size }] of chain.entries()) {
    for (; started < chain.length && (started === index || (aheadBytes + chain[started]!.size <= aheadBytesMax && started - index < aheadSlotsMax)); started++) {
      const fetching = log.whole(log.keys.slotOf(chain[started]!.id))
      // Whoever stops reading half way leaves these unawaited.
      fetching.catch(() => {})
      ahead.push(fetching)
      aheadBytes += chain[started]!.size
    }
    const key = log.keys.slotOf(id)
    const { bytes, header } = await found(log, ahead.shift()!, key, next)
    aheadBytes -= size
    if (header.kind !== 'records') throw corrupt('is of another kind than its place in the log', key)
    if (next !== undefined && header.firstPosition !== next) throw corrupt(`begins at position ${header.firstPosition}, and the one before ends at ${next}`, key)
    next = header.firstPosition + header.recordCount
    onSlot(index, next - 1)
    let position = header.firstPosition
    for (const record of decodeRecords(bytes, header, key, crc32c)) {
      if (position > trimmed) yield { position, data: new Uint8Array(record) }
      position++
    }
  }
}

/** `next`: all records before that position were read. */
async function found (log: LogStore, fetching: Promise<Fetched>, key: string, next: number | undefined): Promise<Fetched> {
  try {
    return await fetching
  } catch (error) {
    if (StreambedError.is(error, 'CORRUPT')) throw new StreambedError('CORRUPT', `${error.message} readableBefore=${next ?? 'unknown'}`, { cause: error })
    if (!StreambedError.is(error, 'NOT_FOUND')) throw error
    await throwIfFenced(log)
    throw corrupt('is missing', key)
  }
}
