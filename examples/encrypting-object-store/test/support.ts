import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { EncryptingObjectStore } from '../src/encrypting-object-store.ts'
import plugin from '../src/index.ts'
import { KeyRing } from '../src/key-ring.ts'
import { MemoryObjectMedium, MemoryObjectStore, testEnvironment } from '@streambed/sdk/testing'

/** A line of a key ring. */
export function keyLine (id: string, fill: number): string { return `${id} ${Buffer.alloc(32, fill).toString('base64')}` }

export interface Folder extends AsyncDisposable { readonly path: string }

export async function temporaryFolder (): Promise<Folder> {
  const folder = await mkdtemp(path.join(tmpdir(), 'encrypting-'))
  return { path: folder, [Symbol.asyncDispose]: async () => { await rm(folder, { recursive: true, force: true }) } }
}

/** The plugin's options, from what an operator gives. */
export async function optionsOf (given: object): Promise<Parameters<typeof plugin.open>[0]> {
  const checked = await plugin.options['~standard'].validate(given)
  assert.equal(checked.issues, undefined)
  assert.ok(!('issues' in checked) || checked.issues === undefined)
  return (checked as { readonly value: Parameters<typeof plugin.open>[0] }).value
}

/** A store over `bucket`, and the bucket itself as one finds it who can write to it. */
export function overMemory (ring: string = keyLine('k1', 1), bucket = new MemoryObjectMedium()): { readonly store: EncryptingObjectStore, readonly raw: MemoryObjectStore, readonly bucket: MemoryObjectMedium } {
  const environment = testEnvironment()
  const open = (): MemoryObjectStore => new MemoryObjectStore({ clock: environment.clock, medium: bucket })
  return { store: new EncryptingObjectStore(open(), KeyRing.parse(ring), 2 ** 29, environment), raw: open(), bucket }
}
