import { metadataLogConformance, objectStoreConformance } from '@streambed/conformance'
import {
  MemoryMetadataLog, MemoryMetadataMedium, MemoryObjectMedium, MemoryObjectStore, VirtualClock, faultyMetadataLog, faultyObjectStore,
  memoryMetadataLogCapabilities, memoryObjectStoreCapabilities
} from '@streambed/sdk/testing'

const clock = new VirtualClock()
const plan = (): { kind: 'none' } => ({ kind: 'none' })
const cleanUp = async (): Promise<void> => {}

objectStoreConformance({ describe, it }, {
  name: 'memory',
  capabilities: memoryObjectStoreCapabilities,
  prepare: async () => {
    const medium = new MemoryObjectMedium()
    return { open: async () => new MemoryObjectStore({ clock, medium }), cleanUp }
  }
})

objectStoreConformance({ describe, it }, {
  name: 'memory behind a fault wrapper without faults',
  capabilities: memoryObjectStoreCapabilities,
  prepare: async () => {
    const medium = new MemoryObjectMedium()
    return { open: async () => faultyObjectStore(new MemoryObjectStore({ clock, medium }), { plan, clock }), cleanUp }
  }
})

metadataLogConformance({ describe, it }, {
  name: 'memory',
  capabilities: memoryMetadataLogCapabilities,
  prepare: async () => {
    const medium = new MemoryMetadataMedium()
    return { open: async () => new MemoryMetadataLog(medium), cleanUp }
  }
})

metadataLogConformance({ describe, it }, {
  name: 'memory behind a fault wrapper without faults',
  capabilities: memoryMetadataLogCapabilities,
  prepare: async () => {
    const medium = new MemoryMetadataMedium()
    return { open: async () => faultyMetadataLog(new MemoryMetadataLog(medium), { plan, clock }), cleanUp }
  }
})
