import type { Int64 } from '@streambed/sdk'
import { corrupt, unencodable } from '../protocol-error.ts'
import type { Reader } from '../primitives/reader.ts'
import type { RecordChunks, Writer } from '../primitives/writer.ts'
import { defaultsOf, isPlainIn, isTaggedIn } from './fields.ts'
import type { FieldSpec, Fields, PrimitiveType } from './fields.ts'
import { hasVersion } from './versions.ts'

type Decode = (reader: Reader) => unknown
type Encode = (writer: Writer, value: unknown) => void
type Struct = Readonly<Record<string, unknown>>

/** How values of one type are read and written in one version of a message. */
interface Codec {
  readonly decode: Decode
  readonly encode: Encode
  /** The fewest bytes that a value takes, at least 1: what an array's count is checked against. */
  readonly sizeMin: number
}

export interface StructCodec {
  decode (reader: Reader): Struct
  encode (writer: Writer, value: Struct): void
  readonly sizeMin: number
}

/** Builds the codec of one version of a struct from its fields. Costs some microseconds a field: keep the result. */
export function compileStruct (fields: Fields, version: number, flexible: boolean, path: string): StructCodec {
  const entries = Object.entries(fields)
  const defaults = defaultsOf(fields)
  const plain = entries.filter(([, field]) => isPlainIn(field, version))
  const tagged = entries.filter(([, field]) => isTaggedIn(field, version)).sort(([, a], [, b]) => a.tag - b.tag)
  if (tagged.length > 0 && !flexible) throw new Error(`tagged field in a version that is not flexible. message=${path} version=${version}`)

  const names = plain.map(([name]) => name)
  const codecs = plain.map(([name, field]) => compileField(field, version, flexible, `${path}.${name}`))
  const fallbacks = plain.map(([, field]) => field.omissible ? field.default : undefined)
  const decodes = codecs.map(codec => codec.decode)
  const encodes = codecs.map(codec => codec.encode)
  const count = names.length
  const tags = tagged.length === 0 ? undefined : compileTags(tagged, version, path)
  const refuseLost = compileAbsent(entries.filter(([, field]) => !hasVersion(field.versions, version)), version, path)

  return {
    sizeMin: Math.max(1, codecs.reduce((sum, codec) => sum + codec.sizeMin, flexible ? 1 : 0)),
    decode (reader) {
      // A clone of the defaults has its final shape at once, so the stores below never change it.
      const out: Record<string, unknown> = { ...defaults }
      for (let i = 0; i < count; i++) out[names[i] as string] = (decodes[i] as Decode)(reader)
      if (flexible) {
        if (tags === undefined) reader.skipTags()
        else tags.decode(reader, out)
      }
      return out
    },
    encode (writer, value) {
      if (typeof value !== 'object' || value === null) throw unencodable(`not an object. field=${path}`)
      refuseLost?.(value)
      for (let i = 0; i < count; i++) {
        const given = value[names[i] as string]
        const field = given === undefined ? fallbacks[i] : given
        if (field === undefined) throw unencodable(`field is missing. field=${path}.${names[i]}`)
        ;(encodes[i] as Encode)(writer, field)
      }
      if (flexible) {
        if (tags === undefined) writer.unsignedVarint(0)
        else tags.encode(writer, value)
      }
    }
  }
}

/** Fields that the version lacks and that must not be dropped unnoticed. */
function compileAbsent (absent: ReadonlyArray<[string, FieldSpec]>, version: number, path: string): ((value: Struct) => void) | undefined {
  const strict = absent.filter(([, field]) => !field.ignorable)
  if (strict.length === 0) return undefined
  return value => {
    for (const [name, field] of strict) {
      const given = value[name]
      if (given !== undefined && !equalsDefault(field, given)) {
        throw unencodable(`this version has no such field. field=${path}.${name} version=${version}`)
      }
    }
  }
}

interface TagsCodec {
  decode (reader: Reader, into: Record<string, unknown>): void
  encode (writer: Writer, value: Struct): void
}

function compileTags (tagged: ReadonlyArray<[string, FieldSpec]>, version: number, path: string): TagsCodec {
  const codecs = new Map(tagged.map(([name, field]) =>
    [field.tag, { name, field, codec: compileField(field, version, true, `${path}.${name}`) }]))
  return {
    decode (reader, into) {
      for (let count = reader.unsignedVarint(); count > 0; count--) {
        const known = codecs.get(reader.unsignedVarint())
        const size = reader.unsignedVarint()
        const at = reader.advance(size)
        if (known === undefined) continue
        const end = reader.end
        reader.position = at
        reader.end = at + size
        into[known.name] = known.codec.decode(reader)
        if (reader.position !== reader.end) throw corrupt(`tagged field has another size. field=${path}.${known.name} size=${size}`)
        reader.end = end
      }
    },
    encode (writer, value) {
      let count = 0
      for (const { name, field } of codecs.values()) if (isCarried(field, value[name])) count++
      writer.unsignedVarint(count)
      if (count === 0) return
      for (const { name, field, codec } of codecs.values()) {
        if (!isCarried(field, value[name])) continue
        writer.unsignedVarint(field.tag)
        const from = writer.position
        codec.encode(writer, value[name])
        writer.insertSizeBefore(from)
      }
    }
  }
}

/** A tagged field is written only when it differs from its default. */
function isCarried (field: FieldSpec, value: unknown): boolean {
  return value !== undefined && !equalsDefault(field, value)
}

function equalsDefault (field: FieldSpec, value: unknown): boolean {
  if (value === field.default) return true
  if (field.default === null || value === null || typeof value !== 'object') return false
  if (field.type !== 'struct') return (value as { readonly length: number }).length === 0
  return Object.entries(field.fields as Fields).every(([name, inner]) => {
    const given = (value as Struct)[name]
    return given === undefined || equalsDefault(inner, given)
  })
}

function compileField (field: FieldSpec, version: number, flexible: boolean, path: string): Codec {
  const nullable = hasVersion(field.nullable, version)
  switch (field.type) {
    case 'array': return compileArray(field, version, nullable, flexible, path)
    case 'struct': return compileNested(field, version, nullable, flexible, path)
    default: return compilePrimitive(field.type, nullable, flexible, path)
  }
}

function compileNested (field: FieldSpec, version: number, nullable: boolean, flexible: boolean, path: string): Codec {
  const codec = compileStruct(field.fields as Fields, version, flexible, path)
  const encode: Encode = (writer, value) => { codec.encode(writer, value as Struct) }
  if (!nullable) return { decode: reader => codec.decode(reader), encode, sizeMin: codec.sizeMin }
  return {
    sizeMin: 1,
    decode: reader => reader.int8() < 0 ? null : codec.decode(reader),
    encode (writer, value) {
      writer.int8(value === null ? -1 : 1)
      if (value !== null) encode(writer, value)
    }
  }
}

function compileArray (field: FieldSpec, version: number, nullable: boolean, flexible: boolean, path: string): Codec {
  const element = field.element === 'struct'
    ? compileStruct(field.fields as Fields, version, flexible, path)
    : compilePrimitive(field.element as PrimitiveType, false, flexible, path)
  const decode = element.decode as Decode
  const encode = element.encode as Encode
  const sizeMin = element.sizeMin
  return {
    sizeMin: flexible ? 1 : 4,
    decode (reader) {
      const count = flexible ? reader.compactArrayCount(sizeMin) : reader.arrayCount(sizeMin)
      if (count < 0) return refuseNull(nullable, path)
      const list: unknown[] = []
      for (let i = 0; i < count; i++) list.push(decode(reader))
      return list
    },
    encode (writer, value) {
      if (value === null) {
        checkNullable(nullable, path)
        if (flexible) writer.unsignedVarint(0)
        else writer.int32(-1)
        return
      }
      if (!Array.isArray(value)) throw unencodable(`not an array. field=${path}`)
      if (flexible) writer.unsignedVarint(value.length + 1)
      else writer.int32(value.length)
      for (let i = 0; i < value.length; i++) encode(writer, value[i])
    }
  }
}

function refuseNull (nullable: boolean, path: string): null {
  if (!nullable) throw corrupt(`null where a value must be. field=${path}`)
  return null
}

function checkNullable (nullable: boolean, path: string): void {
  if (!nullable) throw unencodable(`null where a value must be. field=${path}`)
}

const fixed: Readonly<Partial<Record<PrimitiveType, Codec>>> = {
  bool: { sizeMin: 1, decode: reader => reader.bool(), encode: (writer, value) => { writer.bool(value as boolean) } },
  int8: { sizeMin: 1, decode: reader => reader.int8(), encode: (writer, value) => { writer.int8(value as number) } },
  int16: { sizeMin: 2, decode: reader => reader.int16(), encode: (writer, value) => { writer.int16(value as number) } },
  uint16: { sizeMin: 2, decode: reader => reader.uint16(), encode: (writer, value) => { writer.uint16(value as number) } },
  int32: { sizeMin: 4, decode: reader => reader.int32(), encode: (writer, value) => { writer.int32(value as number) } },
  uint32: { sizeMin: 4, decode: reader => reader.uint32(), encode: (writer, value) => { writer.uint32(value as number) } },
  int64: { sizeMin: 8, decode: reader => reader.int64(), encode: (writer, value) => { writer.int64(value as number) } },
  wideInt64: { sizeMin: 8, decode: reader => reader.wideInt64(), encode: (writer, value) => { writer.wideInt64(value as Int64) } },
  float64: { sizeMin: 8, decode: reader => reader.float64(), encode: (writer, value) => { writer.float64(value as number) } },
  uuid: { sizeMin: 16, decode: reader => reader.uuid(), encode: (writer, value) => { writer.uuid(value as string) } }
}

function compilePrimitive (type: PrimitiveType, nullable: boolean, flexible: boolean, path: string): Codec {
  const codec = fixed[type]
  if (codec !== undefined) return codec
  const [decode, encode] = type === 'string' ? textCodec(flexible) : bytesCodec(type === 'records', flexible)
  return {
    sizeMin: flexible ? 1 : type === 'string' ? 2 : 4,
    decode (reader) {
      const value = decode(reader)
      return value === null ? refuseNull(nullable, path) : value
    },
    encode (writer, value) {
      if (value !== null) {
        encode(writer, value)
        return
      }
      checkNullable(nullable, path)
      if (flexible) writer.unsignedVarint(0)
      else if (type === 'string') writer.int16(-1)
      else writer.int32(-1)
    }
  }
}

function textCodec (flexible: boolean): [Decode, Encode] {
  return flexible
    ? [reader => reader.compactString(), (writer, value) => { writer.compactString(value as string) }]
    : [reader => reader.string(), (writer, value) => { writer.string(value as string) }]
}

function bytesCodec (records: boolean, flexible: boolean): [Decode, Encode] {
  const decode: Decode = flexible ? reader => reader.compactByteArray() : reader => reader.byteArray()
  if (records) {
    return [decode, flexible
      ? (writer, value) => { writer.compactRecords(value as RecordChunks) }
      : (writer, value) => { writer.records(value as RecordChunks) }]
  }
  return [decode, flexible
    ? (writer, value) => { writer.compactByteArray(value as Uint8Array) }
    : (writer, value) => { writer.byteArray(value as Uint8Array) }]
}
