import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { catalogueOf, certify, Target, type Report } from '@streambed/conformance'
import { SmallS3, openSmallS3 } from './fixtures/small-s3.ts'

const pace = { spellMs: 150, callMsMax: 10_000 }

describe('certification up to level fault', function () {
  this.timeout(180_000)
  let folder: string
  let small: Awaited<ReturnType<typeof openSmallS3>>
  before(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'streambed-certify-faults-'))
    small = await openSmallS3()
  })
  after(async () => {
    await small.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const load = (plugin: string, options: Readonly<Record<string, unknown>>): Promise<Target> => Target.load({ plugin, options, baseFolder: import.meta.dirname, variables: {} })
  const idsOf = (kind: Parameters<typeof catalogueOf>[0]): string[] => catalogueOf(kind).filter(({ level, missing }) => level === 'fault' && missing === undefined).map(({ id }) => id)
  const outcomes = (report: Report, outcome: Report['checks'][number]['outcome']): string[] => report.checks.filter(check => check.outcome === outcome).map(({ id, reason = '' }) => `${id} ${reason}`)
  const s3 = (): Readonly<Record<string, unknown>> => ({ bucket: 'small', endpoint: `{proxy:${small.url}}`, pathStyle: true, accessKeyId: 'a', secretAccessKey: 'b', prefix: '{run}/', requestTimeout: '2s', throughputMin: '16MiB' })
  const s3Store = '@streambed/object-store-s3'
  const fsStore = '@streambed/object-store-fs'

  for (const { name, notApplicable, options, plugin } of [
    { name: 'files', plugin: fsStore, options: () => ({ path: path.join(folder, 'store-{run}') }), notApplicable: ['OS-X05', 'OS-F02', 'OS-F07', 'OS-F08', 'OS-F09', 'OS-F10'] },
    { name: 'an endpoint behind the fault proxy', plugin: s3Store, options: s3, notApplicable: [] },
    { name: 'a disk', plugin: '@streambed/wal-regional-disk', options: () => ({ path: path.join(folder, 'disk-{run}'), capacity: '8MiB' }), notApplicable: [] },
    { name: 'a shared file system', plugin: '@streambed/wal-efs', options: () => ({ path: path.join(folder, 'efs-{run}'), capacity: '8MiB', segmentBytes: '1MiB' }), notApplicable: [] },
    { name: 'an object store', plugin: '@streambed/wal-object', options: () => ({ capacity: '8MiB', putTimeoutMs: '500ms', putDeadlineMs: '1s', store: { plugin: fsStore, path: path.join(folder, 'under-wal-{run}') } }), notApplicable: ['W-D02', 'W-D06'] },
    { name: 'an object store behind the fault proxy', plugin: '@streambed/wal-object', options: () => ({ capacity: '8MiB', putTimeoutMs: '500ms', putDeadlineMs: '1s', store: { plugin: s3Store, ...s3() } }), notApplicable: ['W-D02', 'W-D06'] },
    { name: 'a file', plugin: '@streambed/metadata-file', options: () => ({ path: path.join(folder, 'log-{run}') }), notApplicable: ['ML-17'] },
    { name: 'an object store behind the fault proxy', plugin: '@streambed/metadata-object', options: () => ({ putTimeoutMs: '500ms', putDeadlineMs: '1s', store: { plugin: s3Store, ...s3() } }), notApplicable: [] }
  ]) {
    it(`passes ${plugin} on ${name}, and leaves nothing behind`, async () => {
      const target = await load(plugin, options())
      const ids = idsOf(target.plugin.kind)
      const report = await certify(target, { level: 'fault', only: ids, seed: 1, measureMs: 100, pace })
      assert.deepEqual(outcomes(report, 'failed'), [])
      assert.deepEqual(outcomes(report, 'notRun'), [])
      assert.deepEqual(report.checks.filter(({ outcome }) => outcome === 'notApplicable').map(({ id }) => id).sort(), [...notApplicable].sort())
      assert.equal(report.checks.filter(({ outcome }) => outcome === 'passed').length, ids.length - notApplicable.length)
      assert.deepEqual([readdirSync(folder), [...small.s3.objects.keys()]], [[], []])
    })
  }

  it('says what was not run, why and how to run it, and claims no level that holds it', async () => {
    const target = await load(path.join(import.meta.dirname, 'fixtures/memory-store.ts'), { name: '{run}' })
    const report = await certify(target, { level: 'fault', only: ['OS-F01'], seed: 1, measureMs: 100, pace })
    assert.deepEqual(report.checks.map(({ outcome }) => outcome), ['notRun'])
    assert.match(report.checks[0]!.reason!, /no call on its environment's file system.*\{proxy:URL\}/)
    const endpoint = await load(s3Store, { ...s3(), endpoint: small.url, storageClass: `{proxy:${small.url}}` })
    const unseen = await certify(endpoint, { level: 'fault', only: ['OS-F01'], seed: 1, measureMs: 100, pace })
    assert.match(unseen.checks[0]!.reason!, /no request of the plugin came through the fault proxy/)
  })

  it('claims no more than durability where faults could not be made', async () => {
    const target = await load(path.join(import.meta.dirname, 'fixtures/unfaulted-store.ts'), { path: path.join(folder, 'unfaulted-{run}') })
    const report = await certify(target, { level: 'fault', seed: 1, measureMs: 100, pace })
    assert.deepEqual([report.verdict, report.level, outcomes(report, 'failed')], ['passed', 'durability', []])
    assert.ok(outcomes(report, 'notRun').length > 10)
  })

  it('makes faults in HTTPS too, on the command line', async () => {
    const pem = path.join(import.meta.dirname, 'fixtures/service-test.pem')
    const s3OverTls = new SmallS3()
    const server = https.createServer({ key: readFileSync(pem), cert: readFileSync(pem) }, s3OverTls.listener)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    try {
      const { port } = server.address() as AddressInfo
      writeFileSync(path.join(folder, 's3.yaml'), JSON.stringify({ ...s3(), endpoint: `{proxy:https://localhost:${port}}` }))
      const cli = path.join(import.meta.dirname, '../src/cli/main.ts')
      const args = ['run', '--plugin', s3Store, '--config', 's3.yaml', '--level', 'fault', ...['OS-F01', 'OS-D03', 'OS-X04', 'OS-F09'].flatMap(id => ['--only', id]), '--out', 'report']
      // The certificate is the service's own; the plugin checks it as ever.
      const child = spawn(process.execPath, [...process.execArgv, cli, ...args], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NODE_EXTRA_CA_CERTS: pem } })
      const [[status], said] = await Promise.all([once(child, 'exit') as Promise<[number]>, child.stderr.toArray()])
      assert.equal(status, 0, Buffer.concat(said as Buffer[]).toString())
      const report = JSON.parse(readFileSync(path.join(folder, 'report/report.json'), 'utf8')) as Report
      assert.deepEqual(report.checks.map(({ id, outcome }) => [id, outcome]), [['OS-X04', 'passed'], ['OS-D03', 'passed'], ['OS-F01', 'passed'], ['OS-F09', 'passed']])
      assert.deepEqual([...s3OverTls.objects.keys()], [])
    } finally {
      server.closeAllConnections()
      server.close()
    }
  })

  it('refuses two endpoints, and one that is none', async () => {
    await assert.rejects(load(s3Store, { ...s3(), storageClass: '{proxy:http://127.0.0.1:1}' }), /expected one endpoint/)
  })
})
