import { StreambedError } from '@streambed/sdk'

const blobNameCharactersMax = 1_024

/**
 * The name of the blob for a name of ours. Azure takes `\` for `/`: it is written `[1`, and `[` is written `[0`, which keeps the
 * order of names. INVALID_ARGUMENT when that is too long for Azure.
 */
export function blobNameOf (name: string): string {
  const blobName = name.replaceAll(/[[\\]/g, character => character === '[' ? '[0' : '[1')
  if (blobName.length > blobNameCharactersMax) throw new StreambedError('INVALID_ARGUMENT', `the key makes a blob name of ${blobName.length} characters, Azure takes ${blobNameCharactersMax}. key=${JSON.stringify(name.slice(0, 100))}`)
  return blobName
}

/** The inverse. */
export function nameOf (blobName: string): string { return blobName.replaceAll(/\[[01]/g, written => written === '[0' ? '[' : '\\') }

/** Whether a listing in the order of UTF-16, which a service may have, can differ at this name from the order of UTF-8. */
export function isOrderedElse (name: string): boolean { return /[\ud800-\uffff]/.test(name) }
