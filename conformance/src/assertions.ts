import { StreambedError } from '@streambed/sdk'
import type { ErrorCode, ObjectInfo, StoredObject } from '@streambed/sdk'
import assert from 'node:assert/strict'

/** Fails unless `pending` rejects with a StreambedError of one of `codes`. */
export async function rejectsWith (pending: Promise<unknown>, ...codes: readonly ErrorCode[]): Promise<StreambedError> {
  let outcome: unknown
  try {
    outcome = await pending
  } catch (error) {
    if (!StreambedError.is(error)) throw new assert.AssertionError({ message: `expected a StreambedError ${codes.join(' or ')}, got ${String(error)}` })
    assert.ok(codes.includes(error.code), `expected ${codes.join(' or ')}, got ${error.code}: ${error.message}`)
    return error
  }
  throw new assert.AssertionError({ message: `expected ${codes.join(' or ')}, but it resolved with ${String(outcome)}` })
}

/** Fails unless both hold the same bytes; says where they differ, and prints neither. */
export function sameBytes (actual: Uint8Array, expected: Uint8Array, what = 'bytes'): void {
  assert.equal(actual.length, expected.length, `${what}: size`)
  if (Buffer.compare(actual, expected) === 0) return
  const at = actual.findIndex((byte, index) => byte !== expected[index])
  assert.fail(`${what}: differ at byte ${at} of ${expected.length}: got ${actual[at]}, expected ${expected[at]}`)
}

/** Fails unless `info` tells of the very object that a put or an upload resolved with. */
export function sameObject (info: ObjectInfo, stored: StoredObject): void {
  const facts = ({ key, size, versionToken }: StoredObject): StoredObject => ({ key, size, versionToken })
  assert.deepEqual(facts(info), facts(stored))
  assert.ok(Number.isSafeInteger(info.modifiedMs), `modifiedMs is a whole number of ms, got ${info.modifiedMs}`)
}

/** `size` bytes that look random, the same for the same seed. */
export function pattern (size: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(size)
  let state = Math.imul(seed, 0x9e37_79b1) | 1
  for (let at = 0; at < size; at++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    bytes[at] = state
  }
  return bytes
}
