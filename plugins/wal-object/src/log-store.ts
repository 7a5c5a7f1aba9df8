import { StreambedError, type Environment, type ObjectStore } from '@streambed/sdk'
import { corrupt, decodeHeader, headerBytes, type Owner, type SlotHeader } from './format.ts'
import type { Keys } from './keys.ts'

/** A slot as a listing shows it. */
export interface ListedSlot { readonly slot: number, readonly size: number }

const pageKeysMax = 1000

/** The objects of one log: named, checked for their owner, and counted, for each call costs money. */
export class LogStore {
  readonly keys: Keys
  readonly owner: Owner
  readonly environment: Environment
  readonly #store: ObjectStore

  constructor (store: ObjectStore, environment: Environment, keys: Keys, owner: Owner) {
    this.#store = store
    this.environment = environment
    this.keys = keys
    this.owner = owner
  }

  async putIfAbsent (key: string, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    const { metrics } = this.environment
    metrics.count('wal_object_puts')
    metrics.count('wal_object_put_bytes', bytes.length)
    await this.#store.put(key, bytes, { ifAbsent: true, signal })
  }

  /** Who put that object. Rejects with MISCONFIGURED when it is of another cluster's or node's log. */
  async header (key: string, signal?: AbortSignal): Promise<SlotHeader> {
    this.environment.metrics.count('wal_object_gets')
    const bytes = await this.#store.get(key, { range: { start: 0, end: headerBytes }, ...signal === undefined ? {} : { signal } })
    return this.#checked(bytes, key)
  }

  async whole (key: string): Promise<{ readonly header: SlotHeader, readonly bytes: Uint8Array }> {
    this.environment.metrics.count('wal_object_gets')
    const bytes = await this.#store.get(key)
    return { header: this.#checked(bytes, key), bytes }
  }

  /** All slots of all epochs, both ascending. */
  async groups (): Promise<Map<number, ListedSlot[]>> {
    const groups = new Map<number, ListedSlot[]>()
    await this.#list(this.keys.slotsPrefix, (key, size) => {
      const { epoch, slot } = this.keys.parseSlot(key)
      const group = groups.get(epoch)
      if (group === undefined) groups.set(epoch, [{ slot, size }])
      else group.push({ slot, size })
    })
    return groups
  }

  /** The slots of one epoch, ascending, from number `from` on. */
  async group (epoch: number, from = 0): Promise<ListedSlot[]> {
    const slots: ListedSlot[] = []
    const after = from === 0 ? undefined : this.keys.slotOf({ epoch, slot: from - 1 })
    await this.#list(this.keys.groupOf(epoch), (key, size) => { slots.push({ slot: this.keys.parseSlot(key).slot, size }) }, after)
    return slots
  }

  /** The epochs that were ever claimed and not removed since, ascending; always with the highest. */
  async claims (above?: number): Promise<number[]> {
    const epochs: number[] = []
    await this.#list(this.keys.claimsPrefix, key => { epochs.push(this.keys.parseClaim(key)) }, above === undefined ? undefined : this.keys.claimOf(above))
    return epochs
  }

  /** Resolves with the keys that are still there, or may be. */
  async remove (keys: readonly string[]): Promise<string[]> {
    const left: string[] = []
    for (let from = 0; from < keys.length; from += pageKeysMax) {
      const batch = keys.slice(from, from + pageKeysMax)
      this.environment.metrics.count('wal_object_deletes')
      for (const outcome of await this.#store.delete(batch)) if (outcome.kind === 'failed') left.push(outcome.key)
    }
    return left
  }

  async #list (prefix: string, onObject: (key: string, size: number) => void, startAfter?: string): Promise<void> {
    for (let after = startAfter; ;) {
      this.environment.metrics.count('wal_object_lists')
      const page = await this.#store.list(prefix, { limit: pageKeysMax, ...after === undefined ? {} : { startAfter: after } })
      for (const { key, size } of page.objects) onObject(key, size)
      const last = page.objects.at(-1)
      if (page.isLast || last === undefined) return
      after = last.key
    }
  }

  #checked (bytes: Uint8Array, key: string): SlotHeader {
    const header = decodeHeader(bytes, key, this.environment.crc32c)
    const { clusterId, nodeId } = this.owner
    if (header.clusterId !== clusterId || header.nodeId !== nodeId) {
      throw new StreambedError('MISCONFIGURED', `the log belongs to another broker; give each its own prefix. key=${key} log: cluster=${header.clusterId} node=${header.nodeId}; this broker: cluster=${clusterId} node=${nodeId}`)
    }
    if (key !== (header.kind === 'claim' ? this.keys.claimOf(header.writerEpoch) : this.keys.slotOf(header.id))) throw corrupt('stands in another place than it was put', key)
    return header
  }
}
