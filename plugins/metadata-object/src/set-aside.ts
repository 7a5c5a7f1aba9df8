import { StreambedError, type ObjectStore } from '@streambed/sdk'

const pieceBytes = 8 * 2 ** 20

/**
 * Moves an object to `<prefix>/damaged/…`, which is no part of the log: copies it, and only then deletes it. Resolves with the new key;
 * that of an earlier attempt, when it had come to the copy.
 */
export async function setAside (store: ObjectStore, prefix: string, key: string): Promise<string> {
  const bytes = await rawBytes(store, key)
  for (let number = 0; ; number++) {
    const aside = `${prefix}/damaged/${key.slice(prefix.length + 1)}${number === 0 ? '' : `.${number}`}`
    try {
      await store.put(aside, bytes, { ifAbsent: true })
    } catch (error) {
      if (!StreambedError.is(error, 'ALREADY_EXISTS')) throw error
      if (Buffer.compare(await store.get(aside), bytes) !== 0) continue
    }
    const [outcome] = await store.delete([key])
    if (outcome?.kind === 'failed') throw new StreambedError('UNAVAILABLE', `a damaged object of the metadata log was copied and could not be deleted; repair the log again. key=${key} copy=${aside}: ${outcome.error.message}`, { cause: outcome.error })
    return aside
  }
}

/** In ranges: of a whole object the store itself finds that it is damaged. */
async function rawBytes (store: ObjectStore, key: string): Promise<Uint8Array> {
  try {
    const { size } = await store.head(key)
    const pieces: Uint8Array[] = []
    for (let start = 0; start < size; start += pieceBytes) pieces.push(await store.get(key, { range: { start, end: Math.min(size, start + pieceBytes) } }))
    return Buffer.concat(pieces)
  } catch (error) {
    if (!StreambedError.is(error, 'CORRUPT')) throw error
    throw new StreambedError('CORRUPT', `an object of the metadata log is so damaged that the store gives none of it out; move it away with the store's own tools, then repair the log again. key=${key}`, { cause: error })
  }
}
