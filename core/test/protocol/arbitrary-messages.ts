import fc from 'fast-check'
import { int64Max, int64Min, toInt64 } from '@streambed/sdk'
import { isTaggedIn } from '../../src/protocol/schema/fields.ts'
import type { FieldSpec, Fields, PrimitiveType } from '../../src/protocol/schema/fields.ts'
import type { Message } from '../../src/protocol/schema/message.ts'
import { hasVersion } from '../../src/protocol/schema/versions.ts'

const primitives: Readonly<Record<PrimitiveType, fc.Arbitrary<unknown>>> = {
  bool: fc.boolean(),
  int8: fc.integer({ min: -0x80, max: 0x7f }),
  int16: fc.integer({ min: -0x8000, max: 0x7fff }),
  uint16: fc.integer({ min: 0, max: 0xffff }),
  int32: fc.integer(),
  uint32: fc.integer({ min: 0, max: 0xffff_ffff }),
  int64: fc.maxSafeInteger(),
  wideInt64: fc.oneof(fc.maxSafeInteger(), fc.bigInt({ min: int64Min, max: int64Max }).map(toInt64)),
  float64: fc.double({ noNaN: true }).map(value => value === 0 ? 0 : value),
  string: fc.oneof(fc.string({ maxLength: 20 }), fc.string({ unit: 'grapheme', maxLength: 200 })),
  uuid: fc.uint8Array({ minLength: 16, maxLength: 16 }).map(bytes => Buffer.from(bytes).toString('base64url')),
  bytes: fc.uint8Array({ maxLength: 40 }),
  records: fc.uint8Array({ maxLength: 200 })
}

/** Messages that one version can carry whole: fields that it lacks have their defaults. */
export function arbitraryMessage (message: Message, version: number): fc.Arbitrary<Readonly<Record<string, unknown>>> {
  return struct(message.fields, version)
}

function struct (fields: Fields, version: number): fc.Arbitrary<Readonly<Record<string, unknown>>> {
  const entries = Object.entries(fields).map(([name, field]) =>
    [name, hasVersion(field.versions, version) ? value(field, version) : fc.constant(field.default)] as const)
  return fc.record(Object.fromEntries(entries), { noNullPrototype: true })
}

function value (field: FieldSpec, version: number): fc.Arbitrary<unknown> {
  const some = field.type === 'array'
    ? fc.array(field.element === 'struct' ? struct(field.fields as Fields, version) : primitives[field.element as PrimitiveType], { maxLength: 3 })
    : field.type === 'struct' ? struct(field.fields as Fields, version) : primitives[field.type]
  const orNull = hasVersion(field.nullable, version) ? fc.option(some, { freq: 4 }) : some
  return isTaggedIn(field, version) ? fc.oneof(fc.constant(field.default), orNull) : orNull
}

/** Byte fields come back as Buffers over the frame; for comparison they become plain arrays. */
export function comparable (value: unknown): unknown {
  if (value instanceof Uint8Array) return new Uint8Array(value)
  if (Array.isArray(value)) return value.map(comparable)
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, comparable(inner)]))
  }
  return value
}
