// `npm run certify`: certifies every bundled plugin on folders, and on each storage service that the environment names as the tests do
// (STREAMBED_TEST_S3 and others; `tools/servers` starts some), and publishes the reports under docs/conformance, with their table, there and in
// the README. An hour at most; one plugin after the other, so that latencies are its own. With `--rounds N` everything runs N times instead, and nothing is
// published: a sound plugin must never be said to fail.
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import type { Report } from '@streambed/conformance'
import { services } from '../core/test/support/services.ts'

const { values } = parseArgs({ options: { level: { type: 'string', default: 'scale' }, 'measure-seconds': { type: 'string', default: '10' }, only: { type: 'string' }, rounds: { type: 'string' } } })
const root = path.dirname(import.meta.dirname)
const rounds = values.rounds === undefined ? undefined : Number(values.rounds)
if (rounds !== undefined && !(Number.isInteger(rounds) && rounds > 0)) refuse(`--rounds is a whole number from 1 on, got ${values.rounds}`)
const published = path.join(root, 'docs/conformance')
/** What each published report is about, by its plugin's name. */
const placesFile = path.join(published, 'places.json')
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'streambed-certify-'))
process.once('exit', () => { fs.rmSync(folder, { recursive: true, force: true }) })
/** Where a run leaves its report; the next one replaces it. */
const out = path.join(folder, 'report')
const at = (name: string): string => path.join(folder, `${name}-{run}`)
/** Some checks go through a whole log several times. */
const capacity = rounds === undefined ? '256MiB' : '64MiB'
const disk = { plugin: '@streambed/object-store-fs', path: at('under') }

interface Candidate { readonly name: string, readonly plugin: string, readonly on: string, readonly options: object }

const local: readonly Candidate[] = [
  { name: 'object-store-fs', plugin: '@streambed/object-store-fs', on: 'ext4', options: { path: at('objects') } },
  { name: 'wal-regional-disk', plugin: '@streambed/wal-regional-disk', on: 'ext4', options: { path: at('wal'), capacity } },
  { name: 'wal-efs', plugin: '@streambed/wal-efs', on: 'ext4', options: { path: at('wal'), capacity, segmentBytes: '16MiB' } },
  { name: 'wal-object', plugin: '@streambed/wal-object', on: 'object-store-fs on ext4', options: { capacity, putDeadlineMs: '10s', latencyClass: 'A', store: disk } },
  { name: 'metadata-file', plugin: '@streambed/metadata-file', on: 'ext4', options: { path: at('metadata') } },
  { name: 'metadata-object', plugin: '@streambed/metadata-object', on: 'object-store-fs on ext4', options: { putDeadlineMs: '10s', store: disk } }
]
const serviceNames: Readonly<Record<string, string>> = { s3: "Ceph's S3 gateway", 'azure-blob': 'Azurite', gcs: 'fake-gcs-server', oss: "a front to Ceph's gateway" }
const remote: readonly Candidate[] = services.map(({ name, objects }) => {
  const { endpoint, plugin, prefix, ...options } = objects() as { readonly plugin: string, readonly prefix: string, readonly endpoint?: string }
  return {
    name: `object-store-${name}`, plugin: `@streambed/object-store-${plugin}`, on: serviceNames[name] ?? 'the service of an account',
    options: { ...options, prefix: `${prefix}{run}/`, requestTimeout: '4s', ...endpoint === undefined ? {} : { endpoint: `{proxy:${endpoint}}` } }
  }
})

let failures = 0
const candidates = chosen()
if (rounds === undefined) {
  for (const candidate of candidates) if (certify(candidate)) publish(candidate)
  writeTables()
} else {
  for (let round = 1; round <= rounds; round++) {
    console.log(`round ${round} of ${rounds}`)
    for (const candidate of candidates) certify(candidate)
  }
  console.log(`${failures} of ${rounds * candidates.length} runs failed`)
}
process.exit(failures === 0 ? 0 : 1)

/** Those that `--only` names, or all. */
function chosen (): readonly Candidate[] {
  const all = [...local, ...remote]
  const wanted = values.only?.split(',') ?? all.map(({ name }) => name)
  const unknown = wanted.filter(name => !all.some(candidate => candidate.name === name))
  if (unknown.length > 0) refuse(`--only names ${unknown.join(', ')}; at hand are ${all.map(({ name }) => name).join(', ')}`)
  return all.filter(({ name }) => wanted.includes(name))
}

function refuse (message: string): never {
  console.error(`certify: ${message}`)
  process.exit(2)
}

/** Runs the suite into `out`. False when it came to no report. */
function certify ({ name, on, options, plugin }: Candidate): boolean {
  const config = path.join(folder, `${name}.yaml`)
  fs.writeFileSync(config, JSON.stringify(options))
  const args = ['run', '--plugin', plugin, '--config', config, '--level', values.level, '--measure-seconds', values['measure-seconds'], '--out', out]
  const { status, stderr, stdout } = spawnSync(process.execPath, ['--conditions=streambed-source', '--disable-warning=ExperimentalWarning', path.join(root, 'conformance/src/cli/main.ts'), ...args], { cwd: root, encoding: 'utf8', timeout: 1_200_000 })
  console.log(`${name} on ${on}: ${stdout.split('\n', 1)[0] || stderr.trim().split('\n').at(-1)}`)
  if (status === null || status > 1) {
    failures++
    return false
  }
  for (const line of stderr.split('\n').filter(line => /: (failed|notRun)/.test(line))) console.log(`  ${line}`)
  failures += status
  return true
}

function publish ({ name, on }: Candidate): void {
  fs.mkdirSync(published, { recursive: true })
  for (const [from, to] of [['report.html', `${name}.html`], ['report.json', `${name}.json`], ['badge.svg', `${name}.svg`]] as const) {
    // Whoever reads it elsewhere has other folders.
    fs.writeFileSync(path.join(published, to), fs.readFileSync(path.join(out, from), 'utf8').replaceAll(folder, '/candidate'))
  }
  fs.writeFileSync(placesFile, `${JSON.stringify({ ...places(), [name]: on }, null, 2)}\n`)
}

function places (): Readonly<Record<string, string>> {
  return fs.existsSync(placesFile) ? JSON.parse(fs.readFileSync(placesFile, 'utf8')) as Record<string, string> : {}
}

/** The table of all reports that are published. */
function writeTables (): void {
  const row = ([name, on]: readonly [string, string], base: string): string => {
    const report = JSON.parse(fs.readFileSync(path.join(published, `${name}.json`), 'utf8')) as Report
    const count = (outcome: string): number => report.checks.filter(check => check.outcome === outcome).length
    return `| [\`${name}\`](${base}${name}.html) | ${on} | ${report.verdict} | ${report.level} | ${report.latencyClass ?? 'none'} | ${count('passed')} | ${count('failed')} | ${count('notRun')} |`
  }
  const table = (base: string): string => ['| plugin | on | verdict | level | latency class | passed | failed | not run |', '|---|---|---|---|---|---|---|---|', ...Object.entries(places()).sort(([left], [right]) => left < right ? -1 : 1).map(entry => row(entry, base))].join('\n')
  fs.writeFileSync(path.join(published, 'README.md'), `# Reports

What \`npm run certify\` said of every bundled plugin, on what was at hand; no account of a cloud was used. Each row's report is one page that needs nothing else; beside it
lies the same as JSON and a badge. A level is claimed when nothing below it failed and everything that applies was run. Latencies are those of a shared machine
with two cores.

${table('')}
`)
  const readme = path.join(root, 'README.md')
  fs.writeFileSync(readme, fs.readFileSync(readme, 'utf8').replace(/(<!-- certified -->\n)[\s\S]*?(<!-- \/certified -->)/, (_, begin: string, end: string) => `${begin}${table('docs/conformance/')}\n${end}`))
}
