import type { LiveObject } from '../catalog/catalog.ts'
import { footerBytes, indexEntryBytes } from '../object/object-format.ts'

export interface MoveLimits {
  /** What all objects take may be this many times what they must. */
  readonly spaceRatioMax: number
  /** Less than this is not worth a move. */
  readonly gainBytesMin: number
  /** Of what is moved at a time. */
  readonly moveBytesMax: number
}

/** What an object would take that held nothing but what is live of `object`. */
export function neededBytes ({ pieces }: LiveObject): number {
  let bytes = footerBytes
  for (const { startOffset, range } of pieces) {
    const liveShare = (range.endOffset - startOffset) / (range.endOffset - range.startOffset)
    bytes += Math.ceil(range.bytes * liveShare) + indexEntryBytes
  }
  return bytes
}

/**
 * Which objects to move together into a new one, so that `objects` take less room: those with the largest dead share first, and no more
 * than it takes to get to `spaceRatioMax`. Nothing, while the room is well used or little is to be had.
 */
export function planMove (objects: readonly LiveObject[], { gainBytesMin, moveBytesMax, spaceRatioMax }: MoveLimits): readonly LiveObject[] {
  const measured = objects.map(object => ({ object, size: object.facts.size, needed: neededBytes(object) }))
  let stored = measured.reduce((sum, { size }) => sum + size, 0)
  const needed = measured.reduce((sum, each) => sum + each.needed, 0)
  measured.sort((left, right) => left.needed / left.size - right.needed / right.size || left.object.facts.objectId - right.object.facts.objectId)
  const chosen: LiveObject[] = []
  let moved = 0
  let gained = 0
  for (const { needed: live, object, size } of measured) {
    if (stored <= spaceRatioMax * needed || live >= size || (chosen.length > 0 && moved + live > moveBytesMax)) break
    chosen.push(object)
    moved += live
    gained += size - live
    stored -= size - live
  }
  return gained < gainBytesMin ? [] : chosen
}
