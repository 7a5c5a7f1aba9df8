import { StreambedError, settledPut, type Environment, type ObjectStore, type RetryOptions } from '@streambed/sdk'
import { LostEndError } from '../catalog/lost-end.ts'
import { ofMedium } from '../object-store/of-medium.ts'
import { objectKey } from '../object/object-key.ts'
import type { EncodedObject } from '../object/object-writer.ts'

/** Of an object under a name of ours, before it is called another's. */
const looksToProve = 3

export interface PutHost {
  readonly environment: Environment
  readonly store: ObjectStore
}

/**
 * Puts under a name that was given out to us alone, again and again as `retry` says and until `stop`: what stands there is our own earlier attempt, of which
 * the answer was lost. If it is not, the catalog gave the name out before and has forgotten: it lost its end.
 */
export async function putObject (host: PutHost, { commit, pieces }: EncodedObject, retry: RetryOptions, stop: AbortSignal): Promise<void> {
  const { environment, store } = host
  const key = objectKey(commit.objectId)
  await settledPut({
    put: () => store.put(key, pieces, { ifAbsent: true }),
    whose: () => checkOurs(host, key, pieces, commit.size)
  }, environment, {
    ...retry,
    onFailed: ({ attempt, error }) => { environment.logger[error instanceof UnreadableLook ? 'warn' : 'debug']('an upload failed, trying again', { key, attempt, error: String(error) }) }
  }, stop)
}

/** Bytes that fail their checksum say nothing of whose object it is, and what was to be put is still in the WAL: another look may get the truth. */
class UnreadableLook extends StreambedError {}

/** One bad answer must not prove anything: what proves it, whole and the same at each look, is what there is. */
async function checkOurs (host: PutHost, key: string, pieces: readonly Uint8Array[], size: number): Promise<'ours'> {
  const { environment: { crc32c } } = host
  const ours = `${size} ${pieces.reduce((crc, piece) => crc32c(piece, crc), 0)}`
  const looks = new Set<string>()
  for (let look = 0; look < looksToProve; look++) {
    const found = await lookAt(host, key)
    if (found === ours) return 'ours'
    looks.add(found)
  }
  if (looks.size > 1) throw new StreambedError('UNAVAILABLE', `the store says now this, now that of an object. key=${key} said=${[...looks].join(', ')}`)
  throw new LostEndError('catalog', `an object of a name that was given out just now is there already, with other bytes. key=${key} size and CRC-32C=${[...looks].join('')} expected=${ours}`)
}

/** Its size and checksum. Rejects with UNAVAILABLE where the store contradicts itself, or gives bytes that fail their checksum. */
async function lookAt ({ environment: { crc32c }, store }: PutHost, key: string): Promise<string> {
  try {
    const { size } = await store.head(key)
    const bytes = await store.get(key)
    if (bytes.length === size) return `${size} ${crc32c(bytes)}`
    throw new StreambedError('UNAVAILABLE', `the store gives another size than it names. key=${key} size=${bytes.length} named=${size}`)
  } catch (error) {
    if (StreambedError.is(error, 'CORRUPT')) throw new UnreadableLook('UNAVAILABLE', `object that is there already cannot be read whole. key=${key}. ${error.message}`, { cause: error })
    throw ofMedium(`object that is there already cannot be read. key=${key}`, error)
  }
}
