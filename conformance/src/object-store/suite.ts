import type { ObjectPage, ObjectStore, ObjectStoreCapabilities } from '@streambed/sdk'
import assert from 'node:assert/strict'
import { onMedium } from '../harness.ts'
import type { ObjectStoreHarness, Runner } from '../harness.ts'
import { conditionalChecks } from './conditional.ts'
import { consistencyChecks } from './consistency.ts'
import { coreChecks } from './core.ts'
import { listingChecks } from './listing.ts'
import { multipartChecks } from './multipart.ts'

/** Registers one check. `open` gives one more instance on a medium of the check's own. */
export type ObjectStoreCheck = (id: string, behaviour: string, body: (open: () => Promise<ObjectStore>) => Promise<void>) => void

/** The part of the object store catalogue that runs in one process. Ids are those of the catalogue; OS-1… those of the contract. */
export function objectStoreConformance (runner: Runner, harness: ObjectStoreHarness): void {
  const check: ObjectStoreCheck = (id, behaviour, body) => {
    runner.it(`${id} ${behaviour}`, () => onMedium(harness, body))
  }
  const groups: Readonly<Record<string, (check: ObjectStoreCheck, capabilities: ObjectStoreCapabilities) => void>> = {
    core: coreChecks,
    consistency: consistencyChecks,
    conditional: conditionalChecks,
    multipart: multipartChecks,
    listing: listingChecks
  }
  runner.describe(`object store conformance: ${harness.name}`, () => {
    for (const [name, checks] of Object.entries(groups)) {
      runner.describe(name, () => { checks(check, harness.capabilities) })
    }
  })
}

/** Puts an object of a few bytes under each key, some at a time. */
export async function putAll (store: ObjectStore, keys: readonly string[], body: (key: string) => Uint8Array = key => Buffer.from(key)): Promise<void> {
  for (let at = 0; at < keys.length; at += 32) await Promise.all(keys.slice(at, at + 32).map(key => store.put(key, body(key))))
}

/** All keys with `prefix`, page by page. */
export async function listAll (store: ObjectStore, prefix: string, limit?: number): Promise<string[]> {
  const keys: string[] = []
  for (let startAfter: string | undefined; ;) {
    const page = await store.list(prefix, { ...(limit === undefined ? {} : { limit }), ...(startAfter === undefined ? {} : { startAfter }) })
    for (const { key } of page.objects) keys.push(key)
    if (page.isLast) return keys
    startAfter = nextStart(page, startAfter)
  }
}

/** Where the page after `page` starts. Fails when that is no step on: a broken store must not keep a check for ever. */
export function nextStart (page: ObjectPage, startAfter: string | undefined): string {
  const last = page.objects.at(-1)
  assert.ok(last !== undefined, 'a page without objects says that others follow')
  assert.ok(startAfter === undefined || Buffer.compare(Buffer.from(last.key), Buffer.from(startAfter)) > 0, 'a page ends where it started')
  return last.key
}
