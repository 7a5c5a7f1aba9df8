/**
 * Where an object lies, and back. Of each segment of a key, every byte but `a-z 0-9 - _ .` is written `%xx`: so names are
 * safe on file systems that fold case or normalise Unicode. An object's file ends in `@object`, a folder has no suffix:
 * `a` and `a/b` are both fine. A segment too long for a file name goes on inside a folder that ends in `@more`.
 */
export const objectSuffix = '@object'
export const moreSuffix = '@more'

/** Leaves room for a suffix within the 255 bytes that file systems allow. */
const pieceLengthMax = 200

/** The names, from the outermost folder to the file, of the object of `key`. */
export function pathNamesOf (key: string): string[] {
  const segments = key.split('/')
  const names: string[] = []
  for (const [index, segment] of segments.entries()) {
    const encoded = encodeSegment(segment)
    let at = 0
    for (; encoded.length - at > pieceLengthMax; at += pieceLengthMax) names.push(encoded.slice(at, at + pieceLengthMax) + moreSuffix)
    names.push(encoded.slice(at) + (index === segments.length - 1 ? objectSuffix : ''))
  }
  return names
}

/** One segment as a name. Exported for tests. */
export function encodeSegment (segment: string): string {
  let name = ''
  for (const byte of Buffer.from(segment)) {
    const char = String.fromCharCode(byte)
    name += /[a-z0-9._-]/.test(char) ? char : escape(byte)
  }
  return name
}

/** The segment that `name` stands for; undefined when no segment is written so: the name is not ours. */
export function decodeSegment (name: string): string | undefined {
  if (!/^(?:[a-z0-9._-]|%[0-9a-f]{2})+$/.test(name)) return undefined
  const bytes = Buffer.from(name.replace(/%(..)/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))), 'latin1')
  const segment = bytes.toString()
  return encodeSegment(segment) === name ? segment : undefined
}

function escape (byte: number): string { return `%${byte.toString(16).padStart(2, '0')}` }

/** Orders strings by their UTF-8 bytes. */
export function compareUtf8 (a: string, b: string): number { return Buffer.compare(Buffer.from(a), Buffer.from(b)) }
