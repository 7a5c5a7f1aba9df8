import { strict as assert } from 'node:assert'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { apiTable } from '../../src/protocol/index.ts'
import { consumerProtocolAssignment, consumerProtocolSubscription } from '../../src/protocol/internal-records/consumer-protocol.ts'
import { groupMetadataKey, groupMetadataValue } from '../../src/protocol/internal-records/group-metadata.ts'
import { offsetCommitKey, offsetCommitValue } from '../../src/protocol/internal-records/offset-commit.ts'
import { defaultsOf, isTaggedIn } from '../../src/protocol/schema/fields.ts'
import type { FieldSpec, Fields } from '../../src/protocol/schema/fields.ts'
import type { Message } from '../../src/protocol/schema/message.ts'
import { hasVersion, parseVersions } from '../../src/protocol/schema/versions.ts'
import type { Versions } from '../../src/protocol/schema/versions.ts'
import { readDefinition } from './kafka-definitions.ts'
import type { KafkaDefinition, KafkaField } from './kafka-definitions.ts'

const folder = process.env['STREAMBED_KAFKA_MESSAGES']

describe('protocol tables against Kafka\'s definitions', () => {
  if (folder === undefined) {
    console.log('      protocol tables: not compared with Kafka, because STREAMBED_KAFKA_MESSAGES is not set')
    it('the comparison with Kafka\'s definitions did not run: STREAMBED_KAFKA_MESSAGES is not set', () => {})
    return
  }

  for (const api of apiTable) {
    it(`${api.name} ${api.versionMin} to ${api.versionMax} is as Kafka defines it`, () => {
      compare(folder, api.name + 'Request', api.request, api.key)
      compare(folder, api.name + 'Response', api.response, api.key)
    })
  }

  const others: readonly Message[] = [
    consumerProtocolSubscription, consumerProtocolAssignment, offsetCommitKey, offsetCommitValue, groupMetadataKey, groupMetadataValue
  ] as unknown as readonly Message[]
  for (const message of others) {
    it(`${message.name} is as Kafka defines it`, () => {
      const internal = join(folder, 'internal-records')
      compare(existsSync(join(internal, `${message.name}.json`)) ? internal : folder, message.name, message)
    })
  }

  it('the comparison notices any field that is wrong', () => {
    // A comparison that never fails would pass as well: change one fact at a time and see it complain.
    const api = apiTable[0]!
    const definition = readDefinition(folder, 'ProduceRequest')
    const changed = (change: object): KafkaDefinition => ({
      ...definition, fields: definition.fields.map((field, i) => i === 0 ? { ...field, ...change } : field)
    })
    for (const change of [
      { name: 'Other' }, { type: 'bytes' }, { versions: '4+' }, { nullableVersions: '4+' }, { default: 'x' },
      { ignorable: true }, { entityType: 'groupId' }, { tag: 0, taggedVersions: '9+' }
    ]) {
      assert.throws(() => { compareFields(changed(change).fields, api.request.fields, versionsOf(api.request), definition, 'x') },
        assert.AssertionError, JSON.stringify(change))
    }
  })

  it('reads every definition of the folder', () => {
    for (const file of readdirSync(folder).filter(name => name.endsWith('.json'))) readDefinition(folder, file.slice(0, -5))
  })
})

function versionsOf (message: Message): readonly number[] {
  return Array.from({ length: message.versions.max - message.versions.min + 1 }, (_, i) => message.versions.min + i)
}

function compare (from: string, name: string, message: Message, apiKey?: number): void {
  const definition = readDefinition(from, name)
  if (apiKey !== undefined) assert.equal(definition.apiKey, apiKey)
  assert.equal(message.name, name)
  const valid = parseVersions(definition.validVersions as Versions)
  // Responses do not carry the flag of an unstable newest version: it is known from the request.
  const unstable = readDefinition(from, name.replace(/Response$/, 'Request')).latestVersionUnstable === true ? 1 : 0
  assert.deepEqual({ ...message.versions }, { min: valid.min, max: valid.max - unstable }, `${name}: versions`)
  for (const version of versionsOf(message)) {
    assert.equal(message.isFlexible(version), includes(definition.flexibleVersions, version), `${name} v${version}: flexible`)
  }
  compareFields(definition.fields, message.fields, versionsOf(message), definition, name)
}

function compareFields (theirs: readonly KafkaField[], ours: Fields, versions: readonly number[], definition: KafkaDefinition, path: string): void {
  const present = theirs.filter(field => versions.some(version => includes(field.versions, version)))
  assert.deepEqual(Object.keys(ours), present.map(field => lowerFirst(field.name)), `${path}: fields and their order`)
  for (const field of present) {
    const our = ours[lowerFirst(field.name)] as FieldSpec
    compareField(field, our, versions, definition, `${path}.${field.name}`)
  }
}

function compareField (theirs: KafkaField, ours: FieldSpec, versions: readonly number[], definition: KafkaDefinition, path: string): void {
  const isArray = theirs.type.startsWith('[]')
  const base = isArray ? theirs.type.slice(2) : theirs.type
  const nested = theirs.fields ?? definition.commonStructs?.find(({ name }) => name === base)?.fields
  const ourBase = ours.type === 'array' ? ours.element : ours.type
  assert.equal(ours.type === 'array', isArray, `${path}: array`)
  assert.equal(ourBase === 'wideInt64' ? 'int64' : ourBase, nested === undefined ? base : 'struct', `${path}: type`)
  for (const version of versions) {
    const at = `${path} v${version}`
    const isPresent = includes(theirs.versions, version)
    assert.equal(hasVersion(ours.versions, version), isPresent, `${at}: present`)
    if (!isPresent) continue
    assert.equal(hasVersion(ours.nullable, version), includes(theirs.nullableVersions ?? 'none', version), `${at}: nullable`)
    assert.equal(isTaggedIn(ours, version), includes(theirs.taggedVersions ?? 'none', version), `${at}: tagged`)
  }
  if (versions.some(version => isTaggedIn(ours, version))) assert.equal(ours.tag, theirs.tag, `${path}: tag`)
  assert.equal(ours.ignorable, theirs.ignorable === true, `${path}: ignorable`)
  assert.equal(ours.entity, theirs.entityType, `${path}: entity`)
  assert.deepEqual(plainDefault(ours), kafkaDefault(theirs, ours), `${path}: default`)
  if (nested !== undefined) {
    const inner = versions.filter(version => includes(theirs.versions, version))
    compareFields(nested, ours.fields as Fields, inner, definition, path)
  }
}

function plainDefault (field: FieldSpec): unknown {
  return field.default instanceof Uint8Array ? 'no bytes' : field.default
}

/** The default that Kafka's definition gives, read by the rules of its generator: independent of our own reading. */
function kafkaDefault (field: KafkaField, ours: FieldSpec): unknown {
  const given = field.default
  if (given === 'null') return null
  if (field.type.startsWith('[]')) return []
  switch (field.type) {
    case 'bool': return String(given ?? false) === 'true'
    case 'string': return given ?? ''
    case 'uuid': return 'AAAAAAAAAAAAAAAAAAAAAA'
    case 'bytes': case 'records': return 'no bytes'
    case 'int8': case 'int16': case 'uint16': case 'int32': case 'uint32': case 'float64': return Number(given ?? 0)
    case 'int64': {
      const value = BigInt(given ?? 0)
      return Number.isSafeInteger(Number(value)) ? Number(value) : value
    }
    default: return defaultsOf(ours.fields as Fields)
  }
}

function includes (versions: string, version: number): boolean {
  if (versions === 'none') return false
  const [low, high] = versions.replace('+', '-999').split('-')
  return version >= Number(low) && version <= Number(high ?? low)
}

function lowerFirst (name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1)
}
