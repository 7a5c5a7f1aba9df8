/**
 * Java's `String.hashCode`, a signed 32-bit integer over UTF-16 units. Kafka places groups and transactional ids with
 * it, through `coordinatorPartition`.
 */
export function javaStringHash (text: string): number {
  let hash = 0
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash, 31) + text.charCodeAt(i) | 0
  return hash
}

/** The partition of an internal topic that coordinates this group or transactional id: abs(hash) % count, abs(min) being 0. */
export function coordinatorPartition (id: string, partitionCount: number): number {
  const hash = javaStringHash(id)
  return (hash === -0x8000_0000 ? 0 : Math.abs(hash)) % partitionCount
}

const murmurSeed = 0x9747b28c | 0
const murmurMultiplier = 0x5bd1e995

/** Murmur2 as Kafka's default partitioner computes it: a signed 32-bit integer. */
export function murmur2 (bytes: Uint8Array): number {
  const size = bytes.length
  let hash = murmurSeed ^ size
  const tail = size & ~3
  for (let i = 0; i < tail; i += 4) {
    let k = at(bytes, i) | at(bytes, i + 1) << 8 | at(bytes, i + 2) << 16 | at(bytes, i + 3) << 24
    k = Math.imul(k, murmurMultiplier)
    k ^= k >>> 24
    hash = Math.imul(hash, murmurMultiplier) ^ Math.imul(k, murmurMultiplier)
  }
  const rest = size - tail
  if (rest === 3) hash ^= at(bytes, tail + 2) << 16
  if (rest >= 2) hash ^= at(bytes, tail + 1) << 8
  if (rest >= 1) hash = Math.imul(hash ^ at(bytes, tail), murmurMultiplier)
  hash ^= hash >>> 13
  hash = Math.imul(hash, murmurMultiplier)
  return hash ^ hash >>> 15
}

/** The partition that Kafka's default partitioner gives a record with this key. */
export function partitionForKey (recordKey: Uint8Array, partitionCount: number): number {
  return (murmur2(recordKey) & 0x7fff_ffff) % partitionCount
}

function at (bytes: Uint8Array, index: number): number {
  return bytes[index] as number
}
