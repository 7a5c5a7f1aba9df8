import { StreambedError, objectKeyProblem, type Environment, type WalWriter } from '@streambed/sdk'

/** Of the group that holds one thing: the link to the first epoch that ever opened the log. */
export const rootEpoch = -1

const epochDigits = 16
const slotDigits = 12
export const slotsMax = 10 ** slotDigits

/** One place in the log. Epochs follow each other, slots within an epoch are numbered from 0. */
export interface SlotId { readonly epoch: number, readonly slot: number }

/** The names of a log's objects. */
export class Keys {
  /** Ends without `/`. */
  readonly prefix: string
  /** Ends with `/`. */
  readonly slotsPrefix: string
  /** Ends with `/`. */
  readonly claimsPrefix: string
  readonly #root: string

  constructor (template: string, writer: WalWriter, crc32c: Environment['crc32c']) {
    const { clusterId, nodeId } = writer
    const hash = crc32c(new TextEncoder().encode(`${nodeId}/${clusterId}`)).toString(16).padStart(8, '0')
    const prefix = template.replaceAll('{hash}', hash).replaceAll('{node}', String(nodeId)).replaceAll('{cluster}', () => asSegment(clusterId))
    this.prefix = prefix
    this.slotsPrefix = `${prefix}/slots/`
    this.claimsPrefix = `${prefix}/claims/`
    this.#root = `${prefix}/root`
    const problem = objectKeyProblem(this.slotOf({ epoch: 0, slot: 0 }))
    if (problem !== undefined) throw new StreambedError('MISCONFIGURED', `"prefix" gives a key that ${problem}; shorten or change it. prefix=${JSON.stringify(prefix)}`)
  }

  slotOf ({ epoch, slot }: SlotId): string {
    return epoch === rootEpoch ? this.#root : `${this.groupOf(epoch)}${String(slot).padStart(slotDigits, '0')}`
  }

  /** What the keys of an epoch's slots begin with. */
  groupOf (epoch: number): string { return `${this.slotsPrefix}${String(epoch).padStart(epochDigits, '0')}/` }

  claimOf (epoch: number): string { return `${this.claimsPrefix}${String(epoch).padStart(epochDigits, '0')}` }

  /** The place that a key below `slotsPrefix` names. */
  parseSlot (key: string): SlotId {
    const match = /^(\d{16})\/(\d{12})$/.exec(key.slice(this.slotsPrefix.length))
    if (match === null) throw foreign(key)
    return { epoch: Number(match[1]), slot: Number(match[2]) }
  }

  /** The epoch that a key below `claimsPrefix` names. */
  parseClaim (key: string): number {
    const text = key.slice(this.claimsPrefix.length)
    if (!/^\d{16}$/.test(text)) throw foreign(key)
    return Number(text)
  }
}

function foreign (key: string): StreambedError {
  return new StreambedError('MISCONFIGURED', `something else than a write-ahead log lies under its prefix; give the log a prefix of its own. key=${key}`)
}

/** Every cluster id as one part of a key, no two as the same. */
function asSegment (clusterId: string): string {
  return encodeURIComponent(clusterId).replaceAll('.', '%2E').replaceAll('*', '%2A')
}
