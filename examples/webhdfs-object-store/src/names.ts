/**
 * Names in HDFS have at most 255 bytes and no colon; keys have up to 900 of any. So a name is the key's bytes in hexadecimal, whose order is that
 * of the keys, 100 bytes to a name: of a longer key, each full hundred before the rest is a folder, marked by a `+`. The file of
 * a key sorts before the folder of those that go on from it, as the keys do.
 */
const bytesInName = 100
export const folderMark = '+'

export interface Place {
  /** Each ends with the mark. */
  readonly folders: readonly string[]
  /** Hexadecimal; empty only for an empty text. */
  readonly rest: string
}

/** Where the key, or the start of one, is. */
export function placeOf (text: string): Place {
  const bytes = Buffer.from(text)
  const folders: string[] = []
  let at = 0
  for (; bytes.length - at > bytesInName; at += bytesInName) folders.push(bytes.toString('hex', at, at + bytesInName) + folderMark)
  return { folders, rest: bytes.toString('hex', at) }
}

export function pathOf (key: string): string {
  const { folders, rest } = placeOf(key)
  return [...folders, rest].join('/')
}

/** The key of the file `name` below `folders`; undefined when it is none of ours. */
export function keyOf (folders: readonly string[], name: string): string | undefined {
  const hex = [...folders.map(folder => folder.slice(0, -1)), name].join('')
  return /^([0-9a-f]{2})+$/.test(hex) ? Buffer.from(hex, 'hex').toString() : undefined
}

/** A name after which those that begin with `hex` come, and hardly another; undefined: all do. */
export function justBefore (hex: string): string | undefined {
  if (hex === '') return undefined
  const [head, last] = [hex.slice(0, -1), hex.at(-1)!]
  // No name has a g, and none has a + before its 200th place.
  return last === '0' ? `${head}+` : `${head}${(Number.parseInt(last, 16) - 1).toString(16)}g`
}
