import { defineMetadataLog } from '@streambed/sdk'
import * as z from 'zod'
import { MemoryMetadataLog, MemoryMetadataMedium, memoryMetadataLogCapabilities } from './memory-metadata-log.ts'

interface Options { readonly name: string }

const media = new Map<string, MemoryMetadataMedium>()

export default defineMetadataLog<Options>({
  name: 'plugin-name',
  options: z.strictObject({ name: z.string().min(1) }),
  optionDocs: { name: { type: 'string', description: 'Which memory: logs of one name in one process share their entries.' } },
  capabilities: memoryMetadataLogCapabilities,
  needsObjectStore: false,
  open: async ({ name }) => {
    const medium = media.get(name) ?? new MemoryMetadataMedium()
    media.set(name, medium)
    return new MemoryMetadataLog(medium)
  }
})
