import type { ObjectId } from '../catalog/catalog.ts'

const prefix = 'objects'

/**
 * The key of an object derives from its id, so an orphan is found without a listing. The low byte comes first: stores
 * that partition by key prefix see consecutive ids spread over 256 of them.
 */
export function objectKey (objectId: ObjectId): string {
  const hex = objectId.toString(16).padStart(16, '0')
  return `${prefix}/${hex.slice(-2)}/${hex}`
}

/** How many parts the keys fall into by their first byte. */
export const keySlices = 256

/** What the keys of one slice, 0 to 255, begin with. */
export function slicePrefix (slice: number): string { return `${prefix}/${slice.toString(16).padStart(2, '0')}/` }

/** The id that a key was made from; undefined when it is none of ours. */
export function objectIdOf (key: string): ObjectId | undefined {
  const objectId = Number.parseInt(key.slice(key.lastIndexOf('/') + 1), 16)
  return Number.isSafeInteger(objectId) && objectKey(objectId) === key ? objectId : undefined
}
