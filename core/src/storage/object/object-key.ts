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
