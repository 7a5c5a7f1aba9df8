import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { checkMsMax } from '../src/certify/certify.ts'
import { certificateOf, certify, htmlOf, newKey, reportSchema, Target, verifyCertificate, type Report } from '@streambed/conformance'
import { StreambedError } from '@streambed/sdk'

const memoryStore = path.join(import.meta.dirname, 'fixtures/memory-store.ts')
const memoryWal = path.join(import.meta.dirname, 'fixtures/memory-wal.ts')
const cli = path.join(import.meta.dirname, '../src/cli/main.ts')

describe('certification', () => {
  let folder: string
  before(() => { folder = mkdtempSync(path.join(os.tmpdir(), 'streambed-certify-')) })
  after(() => { rmSync(folder, { recursive: true, force: true }) })

  const load = (plugin: string, options: Readonly<Record<string, unknown>>): Promise<Target> => Target.load({ plugin, options, baseFolder: import.meta.dirname, variables: {} })
  const failed = (report: Report): string[] => report.checks.filter(({ outcome }) => outcome === 'failed').map(({ id }) => id)

  for (const { options, plugin } of [
    { plugin: '@streambed/object-store-fs', options: { path: 'store-{run}' } },
    { plugin: '@streambed/wal-regional-disk', options: { path: 'disk-{run}', capacity: '8MiB' } },
    { plugin: '@streambed/wal-efs', options: { path: 'efs-{run}', capacity: '8MiB', segmentBytes: '1MiB' } },
    { plugin: '@streambed/wal-object', options: { capacity: '8MiB', store: { plugin: '@streambed/object-store-fs', path: 'under-wal-{run}' } } },
    { plugin: '@streambed/metadata-file', options: { path: 'metadata-{run}' } },
    { plugin: '@streambed/metadata-object', options: { store: { plugin: '@streambed/object-store-fs', path: 'under-log-{run}' } } }
  ]) {
    it(`passes ${plugin} up to kills of the writing process, and leaves nothing behind`, async () => {
      const report = await certify(await load(plugin, below(folder, options)), { level: 'durability', seed: 1, measureMs: 100 })
      assert.deepEqual(report.checks.filter(({ outcome }) => outcome === 'failed'), [])
      assert.deepEqual(reportSchema.parse(JSON.parse(JSON.stringify(report))), report)
      assert.equal(report.level, 'durability')
      assert.deepEqual(readdirSync(folder), [])
    })
  }

  for (const { caughtBy, plugin } of [{ plugin: memoryStore, caughtBy: ['OS-D01'] }, { plugin: memoryWal, caughtBy: ['W-R03', 'W-R09', 'W-N03', 'W-I08'] }]) {
    it(`finds that what ${path.basename(plugin, '.ts')} acknowledged is gone after a kill, by ${caughtBy.join(' and ')}`, async () => {
      const report = await certify(await load(plugin, { name: '{run}' }), { level: 'durability', seed: 1, measureMs: 100 })
      assert.deepEqual([report.verdict, report.level, failed(report)], ['failed', 'core', caughtBy])
    })
  }

  it('says of a log without identity, in report, page and certificate, that it cannot tell whether it is the one it was', async () => {
    const says = /cannot tell whether it is the one that was used before.*not mounted/
    const report = await certify(await load(path.join(import.meta.dirname, 'fixtures/unnamed-wal.ts'), below(folder, { path: 'unnamed-{run}', capacity: '8MiB', segmentBytes: '1MiB' })), { level: 'core', seed: 1, measureMs: 100 })
    assert.deepEqual([failed(report), report.level], [[], 'core'])
    const outcomes = Object.fromEntries(report.checks.filter(({ id }) => id.startsWith('W-I')).map(({ id, outcome }) => [id, outcome]))
    assert.deepEqual(outcomes, { ...Object.fromEntries(['W-I01', 'W-I02', 'W-I03', 'W-I04', 'W-I05', 'W-I06', 'W-I09'].map(id => [id, 'notApplicable'])), 'W-I07': 'passed' })
    for (const { id, reason } of report.checks) if (outcomes[id] === 'notApplicable') assert.match(reason!, says)
    assert.match(reportSchema.parse(JSON.parse(JSON.stringify(report))).limits!.join(), says)
    assert.match(htmlOf(report), says)
    const reportText = JSON.stringify(report)
    const { statement } = verifyCertificate(certificateOf(report, reportText, newKey()), { reportText })
    assert.match(statement.limits!.join(), says)
  })

  it('says nothing of the kind of one that has an identity', async () => {
    const report = await certify(await load(memoryWal, { name: '{run}' }), { level: 'core', only: ['W-I01', 'W-I07'], seed: 1, measureMs: 100 })
    assert.deepEqual([report.limits, report.checks.map(({ outcome }) => outcome)], [undefined, ['passed', 'notApplicable']])
    assert.doesNotMatch(htmlOf(report), /cannot do/)
  })

  it('measures latency against classes, open loop', async () => {
    const report = await certify(await load(memoryStore, { name: '{run}' }), { level: 'latency', only: ['OS-P02'], seed: 1, measureMs: 500 })
    reportSchema.parse(report)
    const [measurement] = report.measurements
    assert.deepEqual([measurement?.id, measurement?.count, measurement?.failures], ['OS-P02', 8, 0])
    assert.equal(measurement?.histogram.reduce((sum, { count }) => sum + count, 0), 8)
    assert.equal(report.level, 'none', 'a part of the checks claims no level')
  })

  it('waits for a check as long as it was told to take, and then some', () => {
    assert.equal(checkMsMax({ measureMs: 30_000, spellMs: 2_000 }) > 3 * 30_000 + 60_000, true)
    assert.equal(checkMsMax({ measureMs: 30_000, spellMs: 1_800_000 }) > 3 * 1_800_000, true)
  })

  it('names every check that it does not have, and why', async () => {
    const report = await certify(await load(memoryStore, { name: '{run}' }), { level: 'scale', only: ['OS-C13', 'OS-X06'], seed: 1, measureMs: 100 })
    assert.deepEqual(report.checks.map(({ id, outcome }) => [id, outcome]), [['OS-C13', 'missing'], ['OS-X06', 'missing']])
    assert.ok(report.checks.every(({ reason }) => reason !== undefined && reason.length > 10))
  })

  for (const { name, options, plugin, says } of [
    { name: 'a plugin that is not there', plugin: 'no-such-plugin', options: { path: '{run}' }, says: /no-such-plugin.*cannot be found/ },
    { name: 'no place for a run', plugin: memoryStore, options: { name: 'fixed' }, says: /no option contains \{run\}/ },
    { name: 'an option that does not exist', plugin: memoryStore, options: { name: '{run}', speed: 'high' }, says: /speed/ },
    { name: 'a log in a store without a store', plugin: '@streambed/wal-object', options: { prefix: '{run}' }, says: /describe it under 'store'/ },
    { name: 'a store for a plugin that needs none', plugin: memoryStore, options: { name: '{run}', store: { plugin: memoryStore, name: 'x' } }, says: /leave 'store' out/ },
    { name: 'a secret that is not set', plugin: memoryStore, options: { name: '{run}', key: { env: 'NOT_SET_ANYWHERE' } }, says: /NOT_SET_ANYWHERE, which is not set/ }
  ]) {
    it(`refuses ${name}`, async () => {
      await assert.rejects(load(plugin, options), error => StreambedError.is(error, 'MISCONFIGURED') && says.test(error.message))
    })
  }

  it('says of an absent endpoint what is wrong and what to do, at once', async () => {
    const target = await load('@streambed/object-store-s3', { bucket: 'absent', endpoint: 'http://127.0.0.1:9', prefix: '{run}/', accessKeyId: 'a', secretAccessKey: 'b' })
    await assert.rejects(certify(target, { level: 'core', seed: 1, measureMs: 100 }), /ECONNREFUSED.*Check that the service runs and that the endpoint is right/s)
  })

  describe('certificates', () => {
    let report: Report
    let reportText: string
    let key: string
    let text: string
    before(async () => {
      report = await certify(await load(memoryStore, { name: '{run}' }), { level: 'core', only: ['OS-C01'], seed: 1, measureMs: 100 })
      reportText = JSON.stringify(report)
      key = newKey()
      text = certificateOf(report, reportText, key)
    })

    it('verify, by whom and about what', () => {
      assert.equal(verifyCertificate(text, { key, reportText }).statement.plugin.name, 'memory-store')
    })

    it('do not verify with any one byte changed', () => {
      const bytes = Buffer.from(text)
      for (let at = 0; at < bytes.length; at++) {
        for (const bit of [1, 0x20]) {
          const changed = Buffer.from(bytes)
          changed[at]! ^= bit
          assert.throws(() => verifyCertificate(changed.toString()), error => StreambedError.is(error, 'CORRUPT'), `byte ${at}, bit ${bit}`)
        }
      }
      assert.throws(() => verifyCertificate(`${text} `), error => StreambedError.is(error, 'CORRUPT'))
    })

    it('do not verify with the key written in another way that means the same', () => {
      // Eight keys: the unused bit is one of the key's own, and has to be 0 for the other way to mean the same.
      for (const signed of Array.from({ length: 8 }, () => certificateOf(report, reportText, newKey()))) {
        const changed = signed.replace('032100', '032101')
        assert.notEqual(changed, signed)
        assert.throws(() => verifyCertificate(changed), error => StreambedError.is(error, 'CORRUPT'))
      }
    })

    it('do not verify for another signer or another report', () => {
      assert.throws(() => verifyCertificate(text, { key: newKey() }), /another key/)
      assert.throws(() => verifyCertificate(text, { reportText: `${reportText} ` }), /report is not the one/)
    })

    it('are not made with a key of another kind', () => {
      assert.throws(() => certificateOf(report, reportText, 'no key'), /no Ed25519 private key/)
    })
  })

  describe('on the command line', () => {
    const run = (...args: readonly string[]): { readonly status: number | null, readonly stdout: string, readonly stderr: string } => spawnSync(process.execPath, [...process.execArgv, cli, ...args], { encoding: 'utf8', cwd: folder })
    const write = (name: string, text: string): string => {
      writeFileSync(path.join(folder, name), text)
      return name
    }

    it('writes a page, JSON, JUnit, a badge and a certificate that verifies', () => {
      assert.equal(run('key', 'key.pem').status, 0)
      const { status, stdout, stderr } = run('run', '--plugin', memoryStore, '--config', write('memory.yaml', 'name: "{run}"\n'), '--only', 'OS-C01', '--only', 'OS-C06', '--out', 'report', '--key', 'key.pem')
      assert.equal(status, 0, stderr)
      assert.match(stdout, /passed: 2 passed, 0 failed/)
      assert.match(stderr, /\[1\/2\] OS-C01 put_get_sizes: passed/)
      const read = (name: string): string => readFileSync(path.join(folder, 'report', name), 'utf8')
      assert.match(read('report.html'), /^<!doctype html>[\s\S]*OS-C01[\s\S]*<\/html>\n$/)
      assert.doesNotMatch(read('report.html'), /<script|https?:/)
      assert.deepEqual(reportSchema.parse(JSON.parse(read('report.json'))), JSON.parse(read('report.json')))
      assert.match(read('junit.xml'), /<testsuite [^>]*tests="2" failures="0"/)
      assert.match(read('badge.svg'), /^<svg/)
      assert.match(run('verify', 'report/certificate.json', '--key', 'key.pem', '--report', 'report/report.json').stdout, /^valid: .*passed, level none/)
    })

    it('ends with 1 when a check failed, with 2 when none could run', () => {
      assert.equal(run('run', '--plugin', memoryStore, '--config', write('memory.yaml', 'name: "{run}"\n'), '--level', 'durability', '--only', 'OS-D01', '--out', 'failed').status, 1)
      const { status, stderr } = run('run', '--plugin', memoryStore, '--config', 'absent.yaml')
      assert.equal(status, 2)
      assert.match(stderr, /absent.yaml: cannot be read/)
    })

    it('lists every check of a kind', () => {
      assert.equal(run('list', 'wal').stdout.trim().split('\n').length, 75)
    })
  })
})

/** `options` with every path in them below `folder`. */
function below (folder: string, options: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(options).map(([key, value]) => [key, key === 'path' ? path.join(folder, String(value)) : typeof value === 'object' ? below(folder, value as Readonly<Record<string, unknown>>) : value]))
}
