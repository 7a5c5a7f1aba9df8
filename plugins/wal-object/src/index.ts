import { StreambedError, defineWal, type WalPlugin } from '@streambed/sdk'
import { ObjectWal } from './object-wal.ts'
import { optionDocs, optionsSchema, type ObjectWalOptions } from './options.ts'

/**
 * A write-ahead log on any object store. Its scope and latency are those of the store, which the contract does not hand
 * to a log: the operator declares them; undeclared, they are the least that a store gives which is meant for use.
 */
const object: WalPlugin<ObjectWalOptions> = defineWal<ObjectWalOptions>({
  name: 'object',
  options: optionsSchema,
  optionDocs,
  capabilities: ({ latencyClass, scope }) => ({ scope, latencyClass, fencing: 'conditionalPut', remoteTakeover: true, identity: true }),
  needsObjectStore: true,
  open: async (options, environment, { objectStore, opening, writer }) => {
    if (objectStore === undefined) throw new StreambedError('MISCONFIGURED', 'the write-ahead log on object storage was given no object store; configure one')
    return await ObjectWal.open(options, environment, { objectStore, opening, writer })
  }
})

export default object
export type { ObjectWalOptions } from './options.ts'
