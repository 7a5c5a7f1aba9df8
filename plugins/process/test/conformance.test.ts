import { metadataLogConformance, objectStoreConformance, walConformance } from '@streambed/conformance'
import { capabilitiesOf } from '@streambed/sdk'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import file from '@streambed/metadata-file'
import fs from '@streambed/object-store-fs'
import regionalDisk from '@streambed/wal-regional-disk'
import metadataLog from '../src/metadata-log.ts'
import objectStore from '../src/object-store.ts'
import wal from '../src/wal.ts'
import { environment, optionsOf, serving } from './support.ts'

const temporary = (): Promise<string> => mkdtemp(path.join(tmpdir(), 'streambed-process-'))

objectStoreConformance({ describe, it }, {
  name: 'fs, in a process of its own',
  capabilities: capabilitiesOf(fs, { path: '/a' }),
  prepare: async () => {
    const folder = await temporary()
    const options = optionsOf(serving('@streambed/object-store-fs'), capabilitiesOf(fs, { path: folder }), { path: folder })
    return { open: () => objectStore.open(options, environment), cleanUp: () => rm(folder, { recursive: true }) }
  }
})

walConformance({ describe, it }, {
  name: 'regional-disk, in a process of its own',
  capabilities: capabilitiesOf(regionalDisk, { path: '/a' }),
  prepare: async () => {
    const folder = await temporary()
    const options = optionsOf(serving('@streambed/wal-regional-disk'), capabilitiesOf(regionalDisk, { path: folder }), { path: folder, capacity: '4MiB' })
    return { open: (writer, opening) => wal.open(options, environment, { writer, opening }), cleanUp: () => rm(folder, { recursive: true }) }
  }
})

metadataLogConformance({ describe, it }, {
  name: 'file, in a process of its own',
  capabilities: capabilitiesOf(file, { path: '/a' }),
  prepare: async () => {
    const folder = await temporary()
    const options = optionsOf(serving('@streambed/metadata-file'), capabilitiesOf(file, { path: folder }), { path: folder })
    return { open: () => metadataLog.open(options, environment, {}), cleanUp: () => rm(folder, { recursive: true }) }
  }
})
