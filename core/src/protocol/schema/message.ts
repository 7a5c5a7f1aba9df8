import { unsupported } from '../protocol-error.ts'
import type { Reader } from '../primitives/reader.ts'
import type { Writer } from '../primitives/writer.ts'
import { compileStruct } from './compile.ts'
import type { StructCodec } from './compile.ts'
import type { Decoded, Encodable, Fields } from './fields.ts'
import { hasVersion, parseVersions } from './versions.ts'
import type { VersionRange, Versions } from './versions.ts'

/** One kind of message in all its versions, with the codec of each, built when first used. */
export class Message<F extends Fields = Fields> {
  readonly name: string
  readonly versions: VersionRange
  readonly flexible: VersionRange
  readonly fields: F
  readonly #codecs: Array<StructCodec | undefined> = []

  constructor (name: string, versions: Versions, flexible: Versions, fields: F) {
    this.name = name
    this.versions = parseVersions(versions)
    this.flexible = parseVersions(flexible)
    this.fields = fields
  }

  /** Reads one message at the reader's position. Bytes fields are views of the reader's memory. */
  decode (reader: Reader, version: number): Decoded<F> {
    return this.#codec(version).decode(reader) as Decoded<F>
  }

  encode (writer: Writer, version: number, message: Encodable<F>): void {
    this.#codec(version).encode(writer, message)
  }

  isFlexible (version: number): boolean {
    return hasVersion(this.flexible, version)
  }

  #codec (version: number): StructCodec {
    const codec = this.#codecs[version]
    if (codec !== undefined) return codec
    if (!Number.isInteger(version) || !hasVersion(this.versions, version)) {
      throw unsupported(`no such version of this message. message=${this.name} version=${version}`)
    }
    return this.#codecs[version] = compileStruct(this.fields, version, this.isFlexible(version), this.name)
  }
}

/** The decoded form of a message: every field present. */
export type DecodedMessage<M> = M extends Message<infer F> ? Decoded<F> : never
/** What the encoder of a message takes: fields with a default may be left out. */
export type EncodableMessage<M> = M extends Message<infer F> ? Encodable<F> : never
