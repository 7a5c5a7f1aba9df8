/** How Kafka writes a range of versions: `2`, `2-5`, `2+` or `none`. */
export type Versions = 'none' | `${number}` | `${number}-${number}` | `${number}+`

/** Both ends belong to it; empty when `min > max`. */
export interface VersionRange {
  readonly min: number
  readonly max: number
}

export const noVersions: VersionRange = Object.freeze({ min: 0, max: -1 })

export function parseVersions (text: string): VersionRange {
  if (text === 'none') return noVersions
  const match = /^(\d+)(?:(\+)|-(\d+))?$/.exec(text)
  if (match === null) throw new RangeError(`versions must read like 2, 2-5, 2+ or none. got=${text}`)
  const min = Number(match[1])
  if (match[2] !== undefined) return Object.freeze({ min, max: Number.POSITIVE_INFINITY })
  return Object.freeze({ min, max: match[3] === undefined ? min : Number(match[3]) })
}

export function hasVersion (range: VersionRange, version: number): boolean {
  return version >= range.min && version <= range.max
}
