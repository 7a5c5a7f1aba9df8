import { objectStoreConformance } from '@streambed/conformance'
import objectStore from '@streambed/process/object-store'
import { nodeEnvironment } from '@streambed/sdk/node'
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

const program = path.join(import.meta.dirname, '..', 'object_store.py')
const hasPython = spawnSync('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 8))']).status === 0

describe('an object store in Python', () => {
  if (!hasPython) {
    it('did not run: there is no python3 of version 3.8 or newer')
    return
  }
  const capabilities = { conditionalCreate: 'atomic', multipart: false, objectBytesMax: 256 * 2 ** 20, scope: 'host', latencyClass: 'A' } as const

  objectStoreConformance({ describe, it }, {
    name: 'python',
    capabilities,
    prepare: async () => {
      const folder = await mkdtemp(path.join(tmpdir(), 'streambed-python-'))
      const options = { command: ['python3', program], startTimeout: 10_000, closeTimeout: 10_000, messageBytesMax: 256 * 2 ** 20, capabilities, options: { folder } }
      return { open: () => objectStore.open(options, nodeEnvironment()), cleanUp: () => rm(folder, { recursive: true }) }
    }
  })
})
