import { metadataLogConformance, objectStoreConformance, type Runner } from '@streambed/conformance'
import { StreambedError } from '@streambed/sdk'
import type { MetadataLog, MetadataRepair, ObjectStore, StoredObject } from '@streambed/sdk'
import {
  MemoryMetadataLog, MemoryMetadataMedium, MemoryObjectMedium, MemoryObjectStore, VirtualClock, memoryMetadataLogCapabilities, memoryObjectStoreCapabilities
} from '@streambed/sdk/testing'
import assert from 'node:assert/strict'
import { broken, failuresOf, pause } from './mutating.ts'

const clock = new VirtualClock()

const infoWith = <T extends StoredObject>(info: T, change: Partial<T>): T => ({ ...info, ...change })

/** Deletions so far, by the medium that stores share. */
const removals = new WeakMap<MemoryObjectMedium, number>()

/** What objects were before their last put, by the medium that stores share. */
const earlier = new WeakMap<MemoryObjectMedium, Map<string, Uint8Array>>()
const earlierOn = (medium: MemoryObjectMedium): Map<string, Uint8Array> => {
  const found = earlier.get(medium) ?? new Map<string, Uint8Array>()
  earlier.set(medium, found)
  return found
}

/** Each defect, and the check that must name it. */
const objectStoreMutants: readonly { readonly defect: string, readonly caughtBy: string, readonly break: (s: ObjectStore, m: MemoryObjectMedium) => Partial<ObjectStore> }[] = [
  { defect: 'loses the last byte of large objects', caughtBy: 'OS-C01', break: s => ({ put: (k, b, o) => s.put(k, b instanceof Uint8Array && b.length > 70_000 ? b.subarray(0, -1) : b, o) }) },
  { defect: 'answers a missing key with no bytes', caughtBy: 'OS-C02', break: s => ({ get: (k, o) => s.get(k, o).catch(error => { if (StreambedError.is(error, 'NOT_FOUND')) return new Uint8Array(0); throw error }) }) },
  { defect: 'tells another size by head', caughtBy: 'OS-C03', break: s => ({ head: async k => infoWith(await s.head(k), { size: 0 }) }) },
  { defect: 'keeps the token when bytes change', caughtBy: 'OS-C03', break: s => ({ put: async (k, b, o) => infoWith(await s.put(k, b, o), { versionToken: 'v' }), head: async (k, o) => infoWith(await s.head(k, o), { versionToken: 'v' }) }) },
  { defect: 'answers a range past the end with the whole object', caughtBy: 'OS-C04', break: s => ({ get: (k, o) => s.get(k, o).catch(error => { if (StreambedError.is(error, 'OUT_OF_RANGE')) return s.get(k); throw error }) }) },
  { defect: 'takes the end of a range as inclusive', caughtBy: 'OS-C04', break: s => ({ get: (k, o) => s.get(k, o?.range === undefined ? o : { range: { start: o.range.start, end: o.range.end + 1 } }) }) },
  { defect: 'caches reads', caughtBy: 'OS-C05', break: s => { const cache = new Map<string, Uint8Array>(); return { get: async (k, o) => { if (o?.range !== undefined) return await s.get(k, o); const got = cache.get(k) ?? await s.get(k, o); cache.set(k, got); return got.slice() } } } },
  { defect: 'refuses to delete what is missing', caughtBy: 'OS-C06', break: s => ({ delete: async keys => { for (const key of keys) await s.head(key); return await s.delete(keys) } }) },
  { defect: 'deletes at most 1,000 keys', caughtBy: 'OS-C07', break: s => ({ delete: async keys => { await s.delete(keys.slice(0, 1000)); return keys.map(key => ({ kind: 'deleted', key })) } }) },
  { defect: 'folds case', caughtBy: 'OS-C08', break: s => ({ put: (k, b, o) => s.put(k.toLowerCase(), b, o), get: (k, o) => s.get(k.toLowerCase(), o), head: (k, o) => s.head(k.toLowerCase(), o) }) },
  { defect: 'normalises Unicode', caughtBy: 'OS-C08', break: s => ({ put: (k, b, o) => s.put(k.normalize(), b, o), get: (k, o) => s.get(k.normalize(), o) }) },
  { defect: 'mends bad keys instead of refusing them', caughtBy: 'OS-C09', break: s => ({ put: (k, b, o) => s.put(k.replace(/^\/|\/$/g, '') || 'x', b, o) }) },
  { defect: 'ignores signals', caughtBy: 'OS-C12', break: s => ({ get: (k, o) => s.get(k, o?.range === undefined ? {} : { range: o.range }) }) },
  { defect: 'keeps the caller\'s buffer', caughtBy: 'OS-C14', break: (s, m) => ({ put: async (k, b, o) => { const info = await s.put(k, b, o); if (b instanceof Uint8Array) m.objects.set(k, { bytes: b, info: await s.head(k) }); return info } }) },
  { defect: 'takes calls after close', caughtBy: 'OS-C15', break: () => ({ close: async () => {} }) },
  { defect: 'lists late', caughtBy: 'OS-K04', break: (s, m) => ({ list: async (p, o) => { const page = await s.list(p, o); const last = [...m.objects.keys()].at(-1); return { ...page, objects: page.objects.filter(({ key }) => key !== last) } } }) },
  { defect: 'writes in place', caughtBy: 'OS-K06', break: (s, m) => ({ put: async (k, b, o) => {
    const before = m.objects.get(k)
    const result = await s.put(k, b, o)
    const { bytes, info } = m.objects.get(k)!
    if (before !== undefined) { m.objects.set(k, { info, bytes: Buffer.concat([bytes.subarray(0, 1), before.bytes.subarray(1, 900_000), bytes.subarray(900_000)]) }); await pause(); m.objects.set(k, { info, bytes }) }
    return result
  } }) },
  { defect: 'ignores ifAbsent', caughtBy: 'OS-X01', break: s => ({ put: (k, b) => s.put(k, b) }) },
  { defect: 'checks ifAbsent, then puts', caughtBy: 'OS-X02', break: s => ({ put: async (k, b, o) => {
    const exists = await s.head(k).then(() => true, () => false)
    await pause()
    return await s.put(k, b, exists ? o : {})
  } }) },
  { defect: 'remembers deleted keys as taken', caughtBy: 'OS-X08', break: s => { const seen = new Set<string>(); return { put: async (k, b, o) => { if (o?.ifAbsent === true && seen.has(k)) throw new StreambedError('ALREADY_EXISTS', 'seen'); seen.add(k); return await s.put(k, b, o) } } } },
  { defect: 'completes uploads unconditionally', caughtBy: 'OS-X03', break: s => ({ startMultipart: k => s.startMultipart(k) }) },
  { defect: 'joins parts in the order of arrival', caughtBy: 'OS-M02', break: s => ({ startMultipart: async (k, o) => { const u = await s.startMultipart(k, o); let n = 0; return { ...u, uploadPart: (_n, b, p) => u.uploadPart(++n, b, p) } } }) },
  { defect: 'keeps the first of a part sent twice', caughtBy: 'OS-M03', break: s => ({ startMultipart: async (k, o) => { const u = await s.startMultipart(k, o); const seen = new Set<number>(); return { ...u, uploadPart: async (n, b, p) => { if (!seen.has(n)) await u.uploadPart(n, b, p); seen.add(n) } } } }) },
  { defect: 'leaves aborted uploads', caughtBy: 'OS-M06', break: s => ({ startMultipart: async (k, o) => ({ ...await s.startMultipart(k, o), abort: async () => {} }) }) },
  { defect: 'sweeps uploads of any age', caughtBy: 'OS-M07', break: s => ({ sweepUploads: p => s.sweepUploads(p, Number.MAX_SAFE_INTEGER) }) },
  { defect: 'lists in UTF-16 order', caughtBy: 'OS-L01', break: s => ({ list: async (p, o) => { const page = await s.list(p, o); return { ...page, objects: [...page.objects].sort((a, b) => a.key < b.key ? -1 : 1) } } }) },
  { defect: 'calls a short page the last', caughtBy: 'OS-L02', break: s => ({ list: async (p, o) => ({ ...await s.list(p, o), isLast: true }) }) },
  { defect: 'starts at startAfter, not after it', caughtBy: 'OS-L03', break: s => ({ list: async (p, o) => { const page = await s.list(p, o); if (o?.startAfter === undefined) return page; const at = await s.head(o.startAfter).catch(() => undefined); return at === undefined ? page : { ...page, objects: [at, ...page.objects] } } }) },
  { defect: 'finds a sound service wanting', caughtBy: 'OS-C16', break: () => ({ preflight: async () => [{ severity: 'warning', problem: 'none', remedy: 'none' }] }) },
  { defect: 'shows new objects to who wrote them alone', caughtBy: 'OS-K01', break: s => { const own = new Set<string>(); return { put: async (k, b, o) => { own.add(k); return await s.put(k, b, o) }, get: async (k, o) => { if (!own.has(k)) throw new StreambedError('NOT_FOUND', k); return await s.get(k, o) } } } },
  { defect: 'reads an earlier version now and then', caughtBy: 'OS-K02', break: (s, m) => { let gets = 0; return {
    put: async (k, b, o) => { const before = m.objects.get(k)?.bytes; if (before !== undefined) earlierOn(m).set(k, before); return await s.put(k, b, o) },
    get: async (k, o) => { const now = await s.get(k, o); return ++gets % 5 === 0 ? earlierOn(m).get(k) ?? now : now }
  } } },
  { defect: 'deletes when it has said so', caughtBy: 'OS-K08', break: s => ({ delete: async keys => { void pause().then(async () => await s.delete(keys)); return keys.map(key => ({ kind: 'deleted', key })) } }) },
  { defect: 'reads what another has deleted', caughtBy: 'OS-K03', break: s => { const cache = new Map<string, Uint8Array>(); return { get: async (k, o) => { try { const got = await s.get(k, o); cache.set(k, got); return got } catch (error) { const old = cache.get(k); if (old === undefined) throw error; return old } } } } },
  { defect: 'remembers misses', caughtBy: 'OS-K05', break: s => { const missed = new Set<string>(); return { get: async (k, o) => { if (missed.has(k)) throw new StreambedError('NOT_FOUND', k); return await s.get(k, o).catch((error: unknown) => { missed.add(k); throw error }) } } } },
  { defect: 'loses the folder under a put to a delete', caughtBy: 'OS-K09', break: (s, m) => ({
    put: async (k, b, o) => {
      const before = removals.get(m) ?? 0
      for (let turns = /[13]$/.test(k) ? 2 : 1; turns > 0; turns--) await pause()
      if ((removals.get(m) ?? 0) !== before) throw new StreambedError('NOT_FOUND', 'no such folder')
      return await s.put(k, b, o)
    },
    delete: async (keys, o) => { removals.set(m, (removals.get(m) ?? 0) + 1); return await s.delete(keys, o) }
  }) },
  { defect: 'pages by number', caughtBy: 'OS-L05', break: s => { let given = 0; return { list: async (p, o) => {
    if (o?.startAfter === undefined) given = 0
    const limit = o?.limit ?? 1000
    const { objects } = await s.list(p)
    const page = objects.slice(given, given + limit)
    given += page.length
    return { objects: page, isLast: given >= objects.length }
  } } } },
  { defect: 'gives short pages', caughtBy: 'OS-L07', break: s => ({ list: (p, o) => s.list(p, { ...o, limit: Math.min(o?.limit ?? 999, 999) }) }) },
  { defect: 'loses small parts', caughtBy: 'OS-M01', break: s => ({ startMultipart: async (k, o) => { const u = await s.startMultipart(k, o); return { ...u, uploadPart: (n, b, p) => u.uploadPart(n, (b instanceof Uint8Array ? b.length : b.reduce((sum, { length }) => sum + length, 0)) === 1 ? [] : b, p), complete: p => u.complete(p), abort: p => u.abort(p) } } }) },
  { defect: 'completes uploads that have gaps', caughtBy: 'OS-M04', break: s => ({ startMultipart: async (k, o) => { const u = await s.startMultipart(k, o); const parts = new Map<number, Parameters<typeof u.uploadPart>[1]>(); return { uploadPart: async (n, b) => { parts.set(n, b) }, complete: async p => { let n = 0; for (const [, b] of [...parts].sort(([x], [y]) => x - y)) await u.uploadPart(++n, b); return await u.complete(p) }, abort: p => u.abort(p) } } }) },
  { defect: 'takes any part number', caughtBy: 'OS-M08', break: s => ({ startMultipart: async (k, o) => { const u = await s.startMultipart(k, o); return { uploadPart: (n, b, p) => u.uploadPart(Math.min(Math.max(1, Math.round(n)), 10_000), b, p), complete: p => u.complete(p), abort: p => u.abort(p) } } }) },
  { defect: 'tells no size in a listing', caughtBy: 'OS-L06', break: s => ({ list: async (p, o) => { const page = await s.list(p, o); return { ...page, objects: page.objects.map(info => infoWith(info, { size: 0 })) } } }) }
]

const metadataLogMutants: readonly { readonly defect: string, readonly caughtBy: string, readonly break: (l: MetadataLog, m: MemoryMetadataMedium) => Partial<MetadataLog>, readonly repair?: (m: MemoryMetadataMedium) => MetadataRepair }[] = [
  { defect: 'lets several win', caughtBy: 'ML-01', break: (l, m) => ({ append: (_end, entries) => l.append(m.end, entries) }) },
  { defect: 'appends what fits of a group', caughtBy: 'ML-02', break: l => ({ append: (end, entries) => l.append(end, entries.slice(0, 5)) }) },
  { defect: 'reads late', caughtBy: 'ML-03', break: l => { let cached: number | undefined; return { read: async from => { const page = await l.read(from); const end = cached ?? page.end; cached = page.end; return from < end ? page : { entries: [], end: from } } } } },
  { defect: 'refuses appends while one is in flight', caughtBy: 'ML-04', break: l => { let isBusy = false; return { append: async (end, entries) => { if (isBusy) throw new StreambedError('CONFLICT', 'busy'); isBusy = true; try { await pause(); await l.append(end, entries) } finally { isBusy = false } } } } },
  { defect: 'gives out its own bytes', caughtBy: 'ML-06', break: (l, m) => ({ read: async from => { const page = await l.read(from); return { ...page, entries: page.entries.map((_, n) => m.entries[from + n - m.start]!) } } }) },
  { defect: 'does not wake who waits on close', caughtBy: 'ML-07', break: l => ({ waitForGrowth: (from, o) => l.waitForGrowth(from, o).catch(error => { if (StreambedError.is(error, 'ABORTED')) throw error }) }) },
  { defect: 'keeps the first snapshot', caughtBy: 'ML-09', break: l => ({ writeSnapshot: async (at, state) => { if (await l.latestSnapshot() === undefined) await l.writeSnapshot(at, state) } }) },
  { defect: 'truncates without a snapshot', caughtBy: 'ML-10', break: (_l, m) => ({ truncateBefore: async position => { if (position > m.start) { m.entries.splice(0, position - m.start); m.start = position } } }) },
  { defect: 'forgets on close', caughtBy: 'ML-11', break: (l, m) => ({ close: async () => { await l.close(); m.entries.length = 0 } }) },
  { defect: 'takes entries of any size', caughtBy: 'ML-14', break: (l, m) => ({ append: async (end, entries) => { if (entries.every(({ length }) => length <= 2 ** 20)) await l.append(end, entries); else m.entries.push(...entries) } }) },
  { defect: 'takes calls after close', caughtBy: 'ML-23', break: () => ({ close: async () => {} }) },
  { defect: 'forgets a sound log when it repairs it', caughtBy: 'ML-26', break: () => ({}), repair: m => { const repair = m.repair(); if (repair.lostFrom === undefined) m.entries.splice(0); return repair } },
  { defect: 'moves something of a sound log aside', caughtBy: 'ML-26', break: () => ({}), repair: m => { const repair = m.repair(); return repair.lostFrom === undefined ? { ...repair, setAside: ['log'] } : repair } },
  { defect: 'forgets all of a damaged log', caughtBy: 'ML-27', break: () => ({}), repair: m => { const repair = m.repair(); if (repair.lostFrom !== undefined) m.entries.splice(0); return repair } },
  { defect: 'does not say what it lost', caughtBy: 'ML-27', break: () => ({}), repair: m => ({ ...m.repair(), lostFrom: undefined }) }
]

describe('the suites catch broken plugins', () => {
  it('and have a mutant for each check, but ML-24: the double is shared, so that it does not apply', () => {
    const ids = new Set<string>()
    const runner: Runner = { describe: (_, body) => { body() }, it: name => { ids.add(name.split(' ', 1)[0]!) } }
    const prepare = (): Promise<never> => Promise.reject(new StreambedError('CLOSED', 'not run'))
    objectStoreConformance(runner, { name: '', capabilities: memoryObjectStoreCapabilities, prepare })
    metadataLogConformance(runner, { name: '', capabilities: memoryMetadataLogCapabilities, canRepair: true, canDamage: true, prepare })
    const caught = new Set([...objectStoreMutants, ...metadataLogMutants].map(({ caughtBy }) => caughtBy))
    assert.deepEqual([...ids].filter(id => !caught.has(id)), [])
  })

  it('and nothing else', async () => {
    assert.deepEqual(await objectStoreFailures(undefined, () => ({})), [])
    assert.deepEqual(await metadataLogFailures(undefined, () => ({})), [])
  })

  for (const { defect, caughtBy, break: defects } of objectStoreMutants) {
    it(`an object store that ${defect}, by ${caughtBy}`, async () => {
      assert.deepEqual(await objectStoreFailures(caughtBy, defects), [caughtBy])
    })
  }
  for (const { defect, caughtBy, break: defects, repair } of metadataLogMutants) {
    it(`a metadata log that ${defect}, by ${caughtBy}`, async () => {
      assert.deepEqual(await metadataLogFailures(caughtBy, defects, repair), [caughtBy])
    })
  }
})

function objectStoreFailures (only: string | undefined, defects: (s: ObjectStore, m: MemoryObjectMedium) => Partial<ObjectStore>): Promise<string[]> {
  return failuresOf(only, runner => {
    objectStoreConformance(runner, {
      name: 'mutant',
      capabilities: memoryObjectStoreCapabilities,
      prepare: async () => {
        const medium = new MemoryObjectMedium()
        const open = async (): Promise<ObjectStore> => {
          const store = new MemoryObjectStore({ clock, medium })
          return broken<ObjectStore>(store, defects(store, medium))
        }
        return { open, cleanUp: async () => {} }
      }
    })
  })
}

function metadataLogFailures (only: string | undefined, defects: (l: MetadataLog, m: MemoryMetadataMedium) => Partial<MetadataLog>, repair = (m: MemoryMetadataMedium): MetadataRepair => m.repair()): Promise<string[]> {
  return failuresOf(only, runner => {
    metadataLogConformance(runner, {
      name: 'mutant',
      capabilities: memoryMetadataLogCapabilities,
      canRepair: true,
      canDamage: true,
      prepare: async () => {
        const medium = new MemoryMetadataMedium()
        const open = async (): Promise<MetadataLog> => {
          const log = new MemoryMetadataLog(medium)
          return broken<MetadataLog>(log, defects(log, medium))
        }
        return { open, repair: async () => repair(medium), damage: async position => { medium.damagedFrom = position }, cleanUp: async () => {} }
      }
    })
  })
}
