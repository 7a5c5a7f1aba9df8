import { defineObjectStore } from '@streambed/sdk'
import * as z from 'zod'
import { MemoryObjectMedium, MemoryObjectStore, memoryObjectStoreCapabilities } from './memory-object-store.ts'

interface Options { readonly name: string }

const media = new Map<string, MemoryObjectMedium>()

export default defineObjectStore<Options>({
  name: 'plugin-name',
  options: z.strictObject({ name: z.string().min(1) }),
  optionDocs: { name: { type: 'string', description: 'Which memory: stores of one name in one process share their objects.' } },
  capabilities: memoryObjectStoreCapabilities,
  open: async ({ name }, { clock }) => {
    const medium = media.get(name) ?? new MemoryObjectMedium()
    media.set(name, medium)
    return new MemoryObjectStore({ clock, medium })
  }
})
