import {
  FilePlane, StorePlane, hostStore, metadataLogFaultConformance, walFaultConformance, type FaultPlane, type Runner
} from '@streambed/conformance'
import { StreambedError, type Environment, type FileHandle, type FileSystem, type MetadataLog, type ObjectStore, type Wal, type WalWriter } from '@streambed/sdk'
import { nodeEnvironment } from '@streambed/sdk/node'
import { MemoryObjectMedium, MemoryObjectStore, SeededRandom, memoryMetadataLogCapabilities } from '@streambed/sdk/testing'
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import metadataFile from '../../plugins/metadata-file/src/index.ts'
import metadataObject from '../../plugins/metadata-object/src/index.ts'
import walEfs from '../../plugins/wal-efs/src/index.ts'
import { failuresOf, overriding } from './mutating.ts'

/** A defect of a WAL on files, and the check that must name it. */
interface WalMutant {
  readonly defect: string
  readonly caughtBy: string
  readonly wal?: (wal: Wal) => Partial<Wal>
  /** What lies between the plugin and its files. */
  readonly files?: (files: FileSystem) => Partial<FileSystem>
  readonly opens?: (writer: WalWriter, environment: Environment) => WalWriter
  readonly fails?: (error: unknown) => unknown
}

/** What `change` makes of every file that is opened. */
const handles = (change: (handle: FileHandle) => Partial<FileHandle>) => (files: FileSystem): Partial<FileSystem> =>
  ({ open: async (...given) => { const handle = await files.open(...given); return overriding(handle, change(handle)) } })

/** Positions of records that were never written. */
const inventing = (): () => number => { let last = 1e9; return () => ++last }

const walMutants: readonly WalMutant[] = [
  { defect: 'confirms as each write ends', caughtBy: 'W-F01', wal: wal => { let count = 0; return { append: async chunks => { const isSlow = count++ % 3 === 0; const position = await wal.append(chunks); if (isSlow) await turns(3); return position } } } },
  { defect: 'confirms past a write that is stuck', caughtBy: 'W-F02', wal: wal => {
    const invented = inventing()
    let underWay = 0
    return { append: async chunks => {
      const isBehind = underWay > 0
      underWay++
      const appended = wal.append(chunks).finally(() => { underWay-- })
      appended.catch(() => undefined)
      return await (isBehind ? Promise.race([appended, turns(20).then(invented)]) : appended)
    } }
  } },
  { defect: 'goes on past a write that failed', caughtBy: 'W-F03', wal: wal => { const invented = inventing(); let failures = 0; return { append: async chunks => { try { return await wal.append(chunks) } catch (error) { if (++failures > 1) return invented(); throw error } } } } },
  { defect: 'recovers twice what arrived twice', caughtBy: 'W-F04', wal: wal => ({ recover: async function * () { for await (const record of wal.recover()) { yield record; yield { ...record, data: record.data.slice() } } } }) },
  { defect: 'confirms from memory', caughtBy: 'W-F05', wal: wal => { const invented = inventing(); return { append: async chunks => { wal.append(chunks).catch(() => undefined); return invented() } } } },
  { defect: 'calls what it could not write confirmed', caughtBy: 'W-F06', wal: wal => { const invented = inventing(); return { append: async chunks => { try { return await wal.append(chunks) } catch { return invented() } } } } },
  { defect: 'queues without end', caughtBy: 'W-F07', wal: wal => ({ append: async chunks => { for (;;) { try { return await wal.append(chunks) } catch (error) { if (!StreambedError.is(error, 'OVER_CAPACITY')) throw error; await turns(100) } } } }) },
  { defect: 'swallows some failures', caughtBy: 'W-F08', wal: wal => { const invented = inventing(); return { append: async chunks => { try { return await wal.append(chunks) } catch { return invented() } } } } },
  { defect: 'confirms what a later writer has fenced', caughtBy: 'W-N04', wal: wal => { const invented = inventing(); return { append: async chunks => { try { return await wal.append(chunks) } catch (error) { if (StreambedError.is(error, 'FENCED')) return invented(); throw error } } } } },
  { defect: 'takes its epoch from the clock', caughtBy: 'W-N08', opens: (writer, { clock }) => ({ ...writer, writerEpoch: Math.floor(clock.wallMs() / 60_000) * 10 + writer.writerEpoch }) },
  { defect: 'confirms what was cut off', caughtBy: 'W-N10', wal: wal => { const invented = inventing(); return { append: async chunks => { try { return await wal.append(chunks) } catch { return invented() } } } } },
  { defect: 'takes a refusal for damage', caughtBy: 'W-R11', fails: error => StreambedError.is(error, 'UNAVAILABLE') ? new StreambedError('CORRUPT', 'the log is damaged', { cause: error }) : error },
  { defect: 'syncs again when a sync has failed', caughtBy: 'W-D02', files: handles(handle => ({ datasync: () => handle.datasync().catch(() => handle.datasync()), write: (chunks, position) => handle.write(chunks, position).catch(() => undefined) })) },
  { defect: 'takes a full disk for a written one', caughtBy: 'W-D05', files: handles(handle => ({ write: (chunks, position) => handle.write(chunks, position).catch((error: unknown) => { if (!StreambedError.is(error, 'OUT_OF_SPACE')) throw error }) })) },
  { defect: 'takes a part of a write for the whole', caughtBy: 'W-D06', files: handles(handle => ({ write: (chunks, position) => handle.write(chunks, position).catch((error: unknown) => { if (!StreambedError.is(error, 'UNAVAILABLE')) throw error }) })) }
]

/** A defect of a metadata log, in an object store or on a file, and the check that must name it. */
interface LogMutant {
  readonly defect: string
  readonly caughtBy: string
  readonly on: 'store' | 'files'
  readonly log?: (log: MetadataLog) => Partial<MetadataLog>
  readonly environment?: Partial<Environment>
}

const logMutants: readonly LogMutant[] = [
  { defect: 'appends again what may have been appended', caughtBy: 'ML-05', on: 'store', log: log => ({ append: async (end, entries) => { await log.append(end, entries); const { end: now } = await log.read(end); if (now % 7 === 3) await log.append(now, entries) } }) },
  { defect: 'loses to itself', caughtBy: 'ML-05', on: 'files', log: log => ({ append: async (end, entries) => { try { await log.append(end, entries) } catch (error) { throw new StreambedError('CONFLICT', 'another was first', { cause: error }) } } }) },
  { defect: 'checks no checksum', caughtBy: 'ML-13', on: 'files', environment: { crc32c: () => 0 } },
  { defect: 'checks no checksum', caughtBy: 'ML-13', on: 'store', environment: { crc32c: () => 0 } },
  { defect: 'calls entries appended that found no medium', caughtBy: 'ML-17', on: 'store', log: log => ({ append: async (end, entries) => { try { await log.append(end, entries) } catch { /* It will be there. */ } } }) }
]

describe('the fault suites for logs', () => {
  let folder: string
  before(() => { folder = mkdtempSync(path.join(os.tmpdir(), 'streambed-fault-zoo-')) })
  after(() => { rmSync(folder, { recursive: true, force: true }) })
  const place = (): string => path.join(folder, String(++places))

  describe('for WALs', () => {
    const failures = (only: string | undefined, mutant: Partial<WalMutant>): Promise<string[]> => failuresOf(only, runner => { registerWal(runner, mutant, place) })

    it('pass a sound one', async () => { assert.deepEqual(await failures(undefined, {}), []) })
    for (const mutant of walMutants) {
      it(`catch one that ${mutant.defect}, by ${mutant.caughtBy}`, async () => {
        const failed = await failures(mutant.caughtBy, mutant)
        assert.deepEqual([...new Set(failed)], [mutant.caughtBy])
      })
    }

    it('have a mutant for each of their checks', () => {
      const ids = new Set<string>()
      registerWal({ describe: (_, body) => { body() }, it: name => { ids.add(name.split(' ')[0]!) } }, {}, place)
      assert.deepEqual([...ids].sort(), walMutants.map(({ caughtBy }) => caughtBy).sort())
    })
  })

  describe('for metadata logs', () => {
    const failures = (only: string | undefined, on: LogMutant['on'], mutant: Partial<LogMutant>): Promise<string[]> => failuresOf(only, runner => { registerLog(runner, on, mutant, place) })

    for (const on of ['store', 'files'] as const) it(`pass a sound one on ${on}`, async () => { assert.deepEqual(await failures(undefined, on, {}), []) })
    for (const mutant of logMutants) {
      it(`catch one that ${mutant.defect}, by ${mutant.caughtBy}`, async () => {
        assert.deepEqual(await failures(mutant.caughtBy, mutant.on, mutant), [mutant.caughtBy])
      })
    }

    it('have a mutant for each of their checks', () => {
      const ids = new Set<string>()
      registerLog({ describe: (_, body) => { body() }, it: name => { ids.add(name.split(' ')[0]!) } }, 'store', {}, place)
      assert.deepEqual([...ids].sort(), [...new Set(logMutants.map(({ caughtBy }) => caughtBy))].sort())
    })
  })
})

let places = 0
const pace = { spellMs: 150, callMsMax: 3_000 }

function zooEnvironment (): Environment { return { ...nodeEnvironment(), random: new SeededRandom('zoo') } }

function registerWal (runner: Runner, { fails = error => error, files: fileDefects = () => ({}), opens = writer => writer, wal: walDefects = () => ({}) }: Partial<WalMutant>, place: () => string): void {
  const environment = zooEnvironment()
  walFaultConformance(runner, {
    name: 'mutant',
    capabilities: { scope: 'zone', latencyClass: 'B', fencing: 'epochFile', remoteTakeover: true },
    planeKind: 'files',
    pace,
    clock: environment.clock,
    random: environment.random,
    prepare: async () => {
      const at = place()
      return {
        open: async ({ rules = [], wallOffsetMs = 0 }, writer) => {
          const plane = new FilePlane(environment)
          plane.set(...rules)
          const wrapped = plane.wrap(environment.fileSystem)
          const { clock } = environment
          const own: Environment = { ...environment, fileSystem: overriding(wrapped, fileDefects(wrapped)), clock: overriding(clock, { wallMs: () => clock.wallMs() + wallOffsetMs }) }
          const options = await parsed(walEfs, { path: at, capacity: '4MiB', segmentBytes: '1MiB' })
          const wal = await walEfs.open(options, own, { writer: opens(writer, own) }).catch((error: unknown) => { throw fails(error) })
          return { plane, subject: overriding<Wal>(wal, walDefects(wal)) }
        },
        cleanUp: async () => { rmSync(at, { recursive: true, force: true }) }
      }
    }
  })
}

function registerLog (runner: Runner, on: LogMutant['on'], { environment: changed = {}, log: defects = () => ({}) }: Partial<LogMutant>, place: () => string): void {
  const environment = { ...zooEnvironment(), ...changed }
  metadataLogFaultConformance(runner, {
    name: 'mutant',
    capabilities: { ...memoryMetadataLogCapabilities, isShared: on === 'store' },
    planeKind: on,
    pace,
    clock: environment.clock,
    random: environment.random,
    prepare: async () => {
      const at = place()
      const medium = new MemoryObjectMedium()
      const faulty = (plane: FaultPlane, log: MetadataLog): { plane: FaultPlane, subject: MetadataLog } => ({ plane, subject: overriding<MetadataLog>(log, defects(log)) })
      return {
        open: async ({ rules = [] }) => {
          if (on === 'files') {
            const plane = new FilePlane(environment)
            plane.set(...rules)
            return faulty(plane, await metadataFile.open(await parsed(metadataFile, { path: at }), { ...environment, fileSystem: plane.wrap(environment.fileSystem) }, {}))
          }
          const plane = new StorePlane(environment)
          plane.set(...rules)
          const objectStore: ObjectStore = hostStore(plane.wrap(new MemoryObjectStore({ clock: environment.clock, medium })), environment)
          return faulty(plane, await metadataObject.open(await parsed(metadataObject, { putTimeoutMs: '500ms', putDeadlineMs: '1s' }), environment, { objectStore }))
        },
        cleanUp: async () => { rmSync(at, { recursive: true, force: true }) }
      }
    }
  })
}

/** What a plugin's schema makes of `options`; each plugin has a type of its own for it. */
async function parsed (plugin: { readonly options: { readonly '~standard': { validate (value: unknown): unknown } } }, options: object): Promise<never> {
  const result = await plugin.options['~standard'].validate(options) as { readonly value?: unknown, readonly issues?: unknown }
  assert.ok(result.value !== undefined, JSON.stringify(result.issues))
  return result.value as never
}

async function turns (count: number): Promise<void> { for (let n = 0; n < count; n++) await new Promise(resolve => { setImmediate(resolve) }) }

