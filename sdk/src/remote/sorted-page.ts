import { compareKeys } from '../key-order.ts'
import type { ObjectInfo, ObjectPage } from '../object-store.ts'

/**
 * A page in the order of the contract, from a service that lists in another: all of `listings` is read, and the first `limit` names after
 * `startAfter` are kept. Memory: one listing and one page.
 */
export async function sortedPage (listings: AsyncIterable<readonly ObjectInfo[]>, prefix: string, startAfter: string | undefined, limit: number): Promise<ObjectPage> {
  let objects: ObjectInfo[] = []
  let isLast = true
  for await (const listing of listings) {
    const found = listing.filter(({ key }) => key.startsWith(prefix) && (startAfter === undefined || compareKeys(key, startAfter) > 0))
    objects = [...objects, ...found].sort((left, right) => compareKeys(left.key, right.key))
    isLast &&= objects.length <= limit
    objects.length = Math.min(objects.length, limit)
  }
  return { objects, isLast }
}
