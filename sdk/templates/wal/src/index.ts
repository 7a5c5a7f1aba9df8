import { defineWal } from '@streambed/sdk'
import * as z from 'zod'
import { MemoryWal, MemoryWalMedium, memoryWalCapabilities } from './memory-wal.ts'

interface Options { readonly name: string }

const media = new Map<string, MemoryWalMedium>()

export default defineWal<Options>({
  name: 'plugin-name',
  options: z.strictObject({ name: z.string().min(1) }),
  optionDocs: { name: { type: 'string', description: 'Which memory: logs of one name in one process share their records.' } },
  capabilities: memoryWalCapabilities,
  needsObjectStore: false,
  open: async ({ name }, _environment, { opening, writer }) => {
    const medium = media.get(name) ?? new MemoryWalMedium()
    media.set(name, medium)
    return await MemoryWal.open(medium, writer, opening)
  }
})
