import { metadataLogConformance, objectStoreConformance, walConformance } from '@streambed/conformance'
import {
  MemoryMetadataLog, MemoryMetadataMedium, MemoryObjectMedium, MemoryObjectStore, MemoryWal, MemoryWalMedium, VirtualClock, faultyMetadataLog,
  faultyObjectStore, faultyWal, memoryMetadataLogCapabilities, memoryObjectStoreCapabilities, memoryWalCapabilities
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

walConformance({ describe, it }, {
  name: 'memory',
  capabilities: memoryWalCapabilities,
  prepare: async () => {
    const medium = new MemoryWalMedium({ capacityBytes: 2 ** 20 })
    return { open: (writer, opening) => MemoryWal.open(medium, writer, opening), cleanUp }
  }
})

walConformance({ describe, it }, {
  name: 'memory behind a fault wrapper without faults',
  capabilities: memoryWalCapabilities,
  prepare: async () => {
    const medium = new MemoryWalMedium({ capacityBytes: 2 ** 20 })
    return { open: async (writer, opening) => faultyWal(await MemoryWal.open(medium, writer, opening), { plan, clock }), cleanUp }
  }
})
