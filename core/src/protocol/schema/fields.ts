import type { Int64 } from '@streambed/sdk'
import type { RecordChunks } from '../primitives/writer.ts'
import { ZERO_UUID } from '../primitives/uuid.ts'
import { hasVersion, noVersions, parseVersions } from './versions.ts'
import type { VersionRange, Versions } from './versions.ts'

/** What the primitive types of Kafka become when decoded. */
interface DecodedTypes {
  readonly bool: boolean
  readonly int8: number
  readonly int16: number
  readonly uint16: number
  readonly int32: number
  readonly uint32: number
  readonly int64: number
  /** int64 on the wire, exact, whatever it is: for fields that a peer fills in. */
  readonly wideInt64: Int64
  readonly float64: number
  readonly string: string
  readonly uuid: string
  readonly bytes: Uint8Array
  readonly records: Uint8Array
}

/** And what their encoders take. */
interface EncodableTypes extends Omit<DecodedTypes, 'records'> {
  readonly records: RecordChunks
}

export type PrimitiveType = keyof DecodedTypes

/** What a data type knows of itself besides its values, for encoding and for the check against Kafka's definitions. */
export interface FieldOptions {
  /** Versions in which null is allowed. */
  readonly nullable?: Versions
  /** The value while a version lacks the field, or a client omits it; without it zero, empty, or a struct of defaults. */
  readonly default?: string | number | bigint | boolean | null
  /** A writer may drop the value in versions that lack the field. Without it, that is UNENCODABLE. */
  readonly ignorable?: true
  /** Number of the tag that carries the field in `tagged` versions (all versions of the field, unless said). */
  readonly tag?: number
  readonly tagged?: Versions
  /** What kind of thing a name or number refers to; Kafka's documentation, no effect here. */
  readonly entity?: 'brokerId' | 'groupId' | 'producerId' | 'topicName' | 'transactionalId'
}

export interface FieldSpec {
  readonly type: PrimitiveType | 'array' | 'struct'
  readonly versions: VersionRange
  readonly nullable: VersionRange
  readonly tagged: VersionRange
  readonly tag: number
  /** Frozen; shared by every message that lacks the field. */
  readonly default: unknown
  /** A message given to an encoder may leave the field out. */
  readonly omissible: boolean
  readonly ignorable: boolean
  readonly entity: string | undefined
  /** Of an array: the type of its elements, 'struct' when `fields` describes them. */
  readonly element: PrimitiveType | 'struct' | undefined
  readonly fields: Fields | undefined
}

/** A field whose types ride along at compile time only: D decoded, E what encoders take, O whether they may go without. */
export interface Field<D = unknown, E = unknown, O extends boolean = boolean> extends FieldSpec {
  readonly '~types'?: { readonly decoded: D, readonly encodable: E, readonly omissible: O }
}

/** Fields in the order in which they are on the wire. */
export type Fields = Readonly<Record<string, Field>>

type Simplify<T> = { [K in keyof T]: T[K] }
type DecodedOf<F> = F extends Field<infer D, unknown, boolean> ? D : never
type EncodableOf<F> = F extends Field<infer _D, infer E, boolean> ? E : never
type OmissibleKeys<F extends Fields> = { [K in keyof F]: F[K] extends Field<unknown, unknown, true> ? K : never }[keyof F]

/** A decoded message: every field is there, defaults where the version lacks it. */
export type Decoded<F extends Fields> = { readonly [K in keyof F]: DecodedOf<F[K]> }

/** A message to encode: what has a default, is ignorable, tagged, or not in all versions may be left out. */
export type Encodable<F extends Fields> = Simplify<
  { readonly [K in Exclude<keyof F, OmissibleKeys<F>>]: EncodableOf<F[K]> } &
  { readonly [K in OmissibleKeys<F>]?: EncodableOf<F[K]> | undefined }
>

type OrNull<T, O> = O extends { readonly nullable: Versions } ? T | null : T
type IsOmissible<V, O> = V extends '0+'
  ? O extends { readonly default: unknown } | { readonly ignorable: true } | { readonly tag: number } ? true : false
  : true

type Element = PrimitiveType | Fields
type DecodedElement<T extends Element> = T extends PrimitiveType ? DecodedTypes[T] : T extends Fields ? Decoded<T> : never
type EncodableElement<T extends Element> = T extends PrimitiveType ? EncodableTypes[T] : T extends Fields ? Encodable<T> : never

const implicitDefaults: Readonly<Record<PrimitiveType, unknown>> = Object.freeze({
  bool: false,
  int8: 0,
  int16: 0,
  uint16: 0,
  int32: 0,
  uint32: 0,
  int64: 0,
  wideInt64: 0,
  float64: 0,
  string: '',
  uuid: ZERO_UUID,
  bytes: new Uint8Array(0),
  records: new Uint8Array(0)
})

const emptyArray: readonly never[] = Object.freeze([])

function spec (type: FieldSpec['type'], versions: Versions, options: FieldOptions, implicit: unknown,
  element?: PrimitiveType | 'struct', fields?: Fields): FieldSpec {
  const range = parseVersions(versions)
  const tag = options.tag ?? -1
  const hasDefault = options.default !== undefined
  return Object.freeze({
    type,
    versions: range,
    nullable: options.nullable === undefined ? noVersions : parseVersions(options.nullable),
    tagged: tag < 0 ? noVersions : options.tagged === undefined ? range : parseVersions(options.tagged),
    tag,
    default: hasDefault ? options.default : implicit,
    omissible: hasDefault || options.ignorable === true || tag >= 0 || versions !== '0+',
    ignorable: options.ignorable === true,
    entity: options.entity,
    element,
    fields
  })
}

function primitive<const P extends PrimitiveType> (type: P) {
  return <const V extends Versions, const O extends FieldOptions = Record<never, never>>(versions: V, options?: O):
  Field<OrNull<DecodedTypes[P], O>, OrNull<EncodableTypes[P], O>, IsOmissible<V, O>> =>
    spec(type, versions, options ?? {}, implicitDefaults[type])
}

export const bool = primitive('bool')
export const int8 = primitive('int8')
export const int16 = primitive('int16')
export const uint16 = primitive('uint16')
export const int32 = primitive('int32')
export const uint32 = primitive('uint32')
export const int64 = primitive('int64')
export const wideInt64 = primitive('wideInt64')
export const float64 = primitive('float64')
export const string = primitive('string')
export const uuid = primitive('uuid')
export const bytes = primitive('bytes')
export const records = primitive('records')

/** An array of a primitive type, given by name, or of structs, given by their fields. */
export function array<const V extends Versions, const T extends Element, const O extends FieldOptions = Record<never, never>> (
  versions: V, element: T, options?: O
): Field<OrNull<ReadonlyArray<DecodedElement<T>>, O>, OrNull<ReadonlyArray<EncodableElement<T>>, O>, IsOmissible<V, O>> {
  if (typeof element === 'string') return spec('array', versions, options ?? {}, emptyArray, element as PrimitiveType)
  return spec('array', versions, options ?? {}, emptyArray, 'struct', element as Fields)
}

export function struct<const V extends Versions, const F extends Fields, const O extends FieldOptions = Record<never, never>> (
  versions: V, fields: F, options?: O
): Field<OrNull<Decoded<F>, O>, OrNull<Encodable<F>, O>, IsOmissible<V, O>> {
  return spec('struct', versions, options ?? {}, defaultsOf(fields), undefined, fields)
}

/** A message in which every field has its default. Frozen. */
export function defaultsOf (fields: Fields): Readonly<Record<string, unknown>> {
  const out: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(fields)) out[name] = field.default
  return Object.freeze(out)
}

export function isTaggedIn (field: FieldSpec, version: number): boolean {
  return hasVersion(field.tagged, version) && hasVersion(field.versions, version)
}

/** True when the field has a place of its own, outside the tag section. */
export function isPlainIn (field: FieldSpec, version: number): boolean {
  return hasVersion(field.versions, version) && !hasVersion(field.tagged, version)
}
