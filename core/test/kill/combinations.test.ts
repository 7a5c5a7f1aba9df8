import assert from 'node:assert/strict'
import path from 'node:path'
import { SeededRandom } from '@streambed/sdk/testing'
import { services } from '../support/services.ts'
import { killRun } from './kill-run.ts'

// STREAMBED_KILLS_EACH for a longer run.
const kills = Number(process.env['STREAMBED_KILLS_EACH'] ?? 10)

const wals: Readonly<Record<string, (folder: string) => object>> = {
  'regional-disk': folder => ({ plugin: 'regional-disk', path: path.join(folder, 'wal') }),
  efs: folder => ({ plugin: 'efs', path: path.join(folder, 'wal'), segmentBytes: '1MiB' }),
  object: () => ({ plugin: 'object' })
}
/** A folder, and the services that the environment names (`npm run test:interop` starts some). */
const stores: readonly { readonly name: string, readonly objects: (folder: string) => object }[] = [
  { name: 'a folder', objects: folder => ({ plugin: 'fs', path: path.join(folder, 'objects') }) },
  ...services
]
/** `kill.test.ts` has this one, at length. */
const isDefault = (wal: string, store: string): boolean => wal === 'regional-disk' && store === 'a folder'

describe('a broker that is killed over and over', () => {
  for (const [wal, walOptions] of Object.entries(wals)) {
    for (const { name, objects } of stores) {
      if (isDefault(wal, name)) continue
      it(`loses, repeats, reorders and changes nothing, with its WAL on ${wal} and objects on ${name} (${kills} kills)`, async function () {
        this.timeout(60_000 + kills * 15_000)
        const result = await killRun(new SeededRandom(`${wal} ${name}`), kills, folder => ({
          wal: walOptions(folder),
          objects: objects(folder),
          // With its WAL in the store a broker needs nothing else: then its metadata is there too.
          metadata: wal === 'object' ? { plugin: 'object' } : { plugin: 'file', path: path.join(folder, 'metadata') }
        }))
        assert.ok(result.kills >= kills && result.records > 0)
      })
    }
  }
})
