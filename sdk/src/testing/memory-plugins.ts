import { defineMetadataLog, defineObjectStore, defineWal } from '../plugin.ts'
import type { MetadataLogPlugin, ObjectStorePlugin, OptionsSchema, WalPlugin } from '../plugin.ts'
import { MemoryMetadataLog, MemoryMetadataMedium, memoryMetadataLogCapabilities } from './memory-metadata-log.ts'
import { MemoryObjectMedium, MemoryObjectStore, memoryObjectStoreCapabilities } from './memory-object-store.ts'
import { MemoryWal, MemoryWalMedium, memoryWalCapabilities } from './memory-wal.ts'

const noOptions: OptionsSchema<unknown> = {
  '~standard': {
    version: 1,
    vendor: 'streambed',
    validate: value => {
      if (typeof value !== 'object' || value === null) return { issues: [{ message: 'expected a mapping' }] }
      const unknown = Object.keys(value)
      if (unknown.length > 0) return { issues: unknown.map(key => ({ message: 'unknown option', path: [key] })) }
      return { value: {} }
    }
  }
}

/** A plugin whose stores all keep their objects in `medium`. */
export function memoryObjectStorePlugin (medium: MemoryObjectMedium = new MemoryObjectMedium()): ObjectStorePlugin {
  return defineObjectStore({
    name: 'memory',
    options: noOptions,
    optionDocs: {},
    capabilities: memoryObjectStoreCapabilities,
    open: async (_, { clock }) => new MemoryObjectStore({ clock, medium })
  })
}

/** A plugin whose logs keep their records in `medium`; a log of another node on it is refused, as the contract says. */
export function memoryWalPlugin (medium: MemoryWalMedium = new MemoryWalMedium()): WalPlugin {
  return defineWal({
    name: 'memory',
    options: noOptions,
    optionDocs: {},
    capabilities: memoryWalCapabilities,
    needsObjectStore: false,
    open: (_options, _environment, { opening, writer }) => MemoryWal.open(medium, writer, opening)
  })
}

/** A plugin whose logs all keep their entries in `medium`. */
export function memoryMetadataLogPlugin (medium: MemoryMetadataMedium = new MemoryMetadataMedium()): MetadataLogPlugin {
  return defineMetadataLog({
    name: 'memory',
    options: noOptions,
    optionDocs: {},
    capabilities: memoryMetadataLogCapabilities,
    needsObjectStore: false,
    open: async () => new MemoryMetadataLog(medium),
    repair: async () => medium.repair()
  })
}
