import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { certify, Target } from '@streambed/conformance'
import { auditFlushes } from '../src/process/flush-audit.ts'

const fixture = (name: string): string => path.join(import.meta.dirname, 'fixtures', `${name}.ts`)
const hasStrace = spawnSync('strace', ['-o', path.join(os.tmpdir(), `streambed-strace-${process.pid}`), 'true']).status === 0

describe('checks with processes that are stopped, watched or cut off', function () {
  this.timeout(60_000)
  let folder: string
  before(() => { folder = mkdtempSync(path.join(os.tmpdir(), 'streambed-process-')) })
  after(() => {
    rmSync(folder, { recursive: true, force: true })
    rmSync(path.join(os.tmpdir(), `streambed-strace-${process.pid}`), { force: true })
  })

  const outcomesOf = async (plugin: string, only: readonly string[], options: object): Promise<Record<string, string>> => {
    const target = await Target.load({ plugin, options: { ...options }, baseFolder: import.meta.dirname, variables: {} })
    const { checks } = await certify(target, { level: 'durability', only, seed: 1, measureMs: 100 })
    return Object.fromEntries(checks.map(({ id, outcome, reason }) => [id, outcome === 'passed' || outcome === 'failed' ? outcome : `${outcome}: ${reason}`]))
  }
  const efs = (): object => ({ path: path.join(folder, 'efs-{run}'), capacity: '8MiB', segmentBytes: '1MiB' })
  const onFiles = (): object => ({ store: { plugin: '@streambed/object-store-fs', path: path.join(folder, 'store-{run}') } })
  const audited = hasStrace ? ['W-D01'] : []

  it('pass a sound WAL, and leave nothing behind', async () => {
    const ids = ['W-N03', 'W-R09', 'W-D03', 'W-D04', 'W-I08', ...audited]
    assert.deepEqual(await outcomesOf('@streambed/wal-efs', ids, efs()), Object.fromEntries(ids.map(id => [id, 'passed'])))
    assert.deepEqual(readdirSync(folder), [])
  })

  it('pass a sound metadata log', async () => { assert.deepEqual(await outcomesOf('@streambed/metadata-object', ['ML-18', 'ML-25'], onFiles()), { 'ML-18': 'passed', 'ML-25': 'passed' }) })

  for (const { caughtBy, plugin } of [
    { plugin: 'unflushed-wal', caughtBy: ['W-D03', ...audited] },
    { plugin: 'nameless-wal', caughtBy: ['W-D04'] },
    { plugin: 'unfenced-wal', caughtBy: ['W-N03'] },
    { plugin: 'overtrimming-wal', caughtBy: ['W-R09'] },
    { plugin: 'forgetful-wal', caughtBy: ['W-I08'] },
    { plugin: 'backward-wal', caughtBy: ['W-I08'] }
  ]) {
    it(`catch ${plugin}, by ${caughtBy.join(' and ')}`, async () => {
      assert.deepEqual(await outcomesOf(fixture(plugin), caughtBy, efs()), Object.fromEntries(caughtBy.map(id => [id, 'failed'])))
    })
  }

  it('pass a store that keeps its places apart, and catch one that does not, by OS-C10', async () => {
    for (const [keepsApart, outcome] of [[true, 'passed'], [false, 'failed']]) assert.deepEqual(await outcomesOf(fixture('sibling-store'), ['OS-C10'], { name: '{run}', keepsApart }), { 'OS-C10': outcome })
  })

  it('pass a sound log of one process', async () => {
    assert.deepEqual(await outcomesOf('@streambed/metadata-file', ['ML-25'], { path: path.join(folder, 'log-{run}') }), { 'ML-25': 'passed' })
    assert.deepEqual(readdirSync(folder), [])
  })

  it('catch hasty-log, by ML-25', async () => { assert.deepEqual(await outcomesOf(fixture('hasty-log'), ['ML-25'], onFiles()), { 'ML-25': 'failed' }) })
  it('catch overbold-log, by ML-18', async () => { assert.deepEqual(await outcomesOf(fixture('overbold-log'), ['ML-18'], onFiles()), { 'ML-18': 'failed' }) })
})

describe('the audit of flushes', () => {
  const opened = '1 openat(AT_FDCWD, "/w/log", O_RDWR) = 20'
  const written = '2 pwrite64(20, "…"..., 16384, 0) = 16384'
  const synced = '3 fdatasync(20) = 0'
  const told = '1 write(1, "0\\n", 2) = 2'

  for (const { name, trace, violations } of [
    { name: 'is content with write, flush, acknowledgement', trace: [opened, written, synced, told], violations: [] },
    { name: 'is content with synchronous writes', trace: [opened.replace('O_RDWR', 'O_RDWR|O_DSYNC'), written, told], violations: [] },
    { name: 'takes a flush of one thread for the write of another', trace: [opened, written, '3 fdatasync(20 <unfinished ...>', '2 close(99) = 0', '3 <... fdatasync resumed>) = 0', told], violations: [] },
    { name: 'follows a file that is renamed', trace: [opened, written, '1 rename("/w/log", "/w/other") = 0', '1 openat(AT_FDCWD, "/w/other", O_RDWR) = 21', '3 fdatasync(21) = 0', told], violations: [] },
    { name: 'finds an acknowledgement without a flush', trace: [opened, written, told], violations: [/0 was acknowledged while 16384 bytes of \/w\/log were not flushed/] },
    { name: 'finds a flush that comes late', trace: [opened, written, told, synced], violations: [/not flushed/] },
    { name: 'finds a flush that began before the write had ended', trace: [opened, '3 fdatasync(20 <unfinished ...>', written, '3 <... fdatasync resumed>) = 0', told], violations: [/not flushed/] },
    { name: 'finds an acknowledgement that began before the flush had ended', trace: [opened, written, '3 fdatasync(20 <unfinished ...>', '1 write(1, "0\\n", 2 <unfinished ...>', '3 <... fdatasync resumed>) = 0', '1 <... write resumed>) = 2'], violations: [/not flushed/] },
    { name: 'finds a flush that failed', trace: [opened, written, '3 fdatasync(20) = -1 EIO (Input/output error)', told], violations: [/not flushed/] },
    { name: 'finds the flush of another file', trace: [opened, '1 openat(AT_FDCWD, "/w/x", O_RDWR) = 21', written, '3 fdatasync(21) = 0', told], violations: [/not flushed/] },
    { name: 'finds an acknowledgement of nothing', trace: [opened, written, synced, told, told], violations: [/before anything was written/] }
  ]) {
    it(name, () => {
      const found = auditFlushes(trace.join('\n'), 8192).violations
      assert.equal(found.length, violations.length, found.join('; '))
      for (const [index, violation] of violations.entries()) assert.match(found[index]!, violation)
    })
  }
})
