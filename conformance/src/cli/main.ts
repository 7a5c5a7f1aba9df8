#!/usr/bin/env node
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { StreambedError } from '@streambed/sdk'
import { keepAlive } from '@streambed/sdk/node'
import { parse } from 'yaml'
import yargs from 'yargs'
import { hideBin } from 'yargs/helpers'
import { catalogueOf, levels, missingBecause } from '../catalogue/catalogue.ts'
import { certify, type Progress } from '../certify/certify.ts'
import { defaultPace } from '../faults/fault-harness.ts'
import { defaultLoad } from '../scale/scale.ts'
import { Target, placeholder } from '../certify/target.ts'
import { badgeOf } from '../report/badge.ts'
import { certificateOf, newKey, verifyCertificate } from '../report/certificate.ts'
import { htmlOf } from '../report/html.ts'
import { junitOf } from '../report/junit.ts'
import { countOf, type Report } from '../report/report.ts'

const kinds = { 'object-store': 'objectStore', wal: 'wal', 'metadata-log': 'metadataLog' } as const

// Plugins' timers keep no process alive; an answer that is awaited must.
const release = keepAlive()
// A reader that has seen enough is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => { if (error.code === 'EPIPE') process.exit(0); else throw error })
await yargs(hideBin(process.argv))
  .scriptName('streambed-conformance')
  .usage('$0 <command>\n\nMay this backend, as configured here, be trusted with acknowledged data?')
  .command('run', 'run the checks against a plugin with the options of one deployment', command => command
    .option('plugin', { type: 'string', demandOption: true, describe: 'package name, or path' })
    .option('config', { type: 'string', demandOption: true, describe: `YAML file with the plugin's options, of which one contains ${placeholder}; under 'store', the object store of a plugin that needs one` })
    .option('level', { choices: levels, default: 'core' as const, describe: 'this level and those below it' })
    .option('out', { type: 'string', default: 'conformance-report', describe: 'folder for report.html, report.json, junit.xml, badge.svg, certificate.json' })
    .option('only', { type: 'string', array: true, describe: 'check ids; no level is claimed then' })
    .option('seed', { type: 'number', default: 1, describe: 'repeats the random choices of a run' })
    .option('measure-seconds', { type: 'number', default: 30, describe: 'how long each latency is measured' })
    .option('declare-mib', { type: 'number', default: defaultLoad.bytesPerSecond / 2 ** 20, describe: 'MiB a second that level scale offers for as long as a latency is measured, and that must be kept' })
    .option('declare-entries', { type: 'number', default: defaultLoad.entriesPerSecond, describe: 'entries a second that a metadata log must take' })
    .option('fault-seconds', { type: 'number', default: defaultPace.spellMs / 1000, describe: 'how long a spell of faults lasts; a longer one is a soak' })
    .option('call-seconds', { type: 'number', default: defaultPace.callMsMax / 1000, describe: 'within this a call must end although nobody answers it' })
    .option('region', { type: 'string', describe: 'where this runs, for the report' })
    .option('key', { type: 'string', describe: 'Ed25519 private key (PEM) to sign a certificate with' }),
  async ({ callSeconds, config, declareEntries, declareMib, faultSeconds, key, level, measureSeconds, only, out, plugin, region, seed }) => {
    const target = await Target.load({ plugin, options: optionsFrom(config), baseFolder: process.cwd(), variables: process.env })
    const pem = key === undefined ? undefined : readFileSync(key, 'utf8')
    const report = await certify(target, { level, seed, measureMs: measureSeconds * 1000, load: { bytesPerSecond: declareMib * 2 ** 20, entriesPerSecond: declareEntries }, pace: { spellMs: faultSeconds * 1000, callMsMax: callSeconds * 1000 }, onProgress: showProgress, ...only === undefined ? {} : { only }, ...region === undefined ? {} : { region } })
    writeReport(report, out, pem)
    process.stdout.write(`${report.verdict}: ${countOf(report, 'passed')} passed, ${countOf(report, 'failed')} failed, ${countOf(report, 'notRun')} could not be run, ${countOf(report, 'notApplicable')} do not apply, ${countOf(report, 'missing')} not in this version; level ${report.level}${report.latencyClass === undefined ? '' : `, class ${report.latencyClass}`}\nreport: ${path.join(out, 'report.html')}\n`)
    for (const limit of report.limits ?? []) process.stdout.write(`note: ${limit}\n`)
    process.exitCode = report.verdict === 'passed' ? 0 : 1
  })
  .command('verify <certificate>', 'check that a certificate is as it was signed', command => command
    .positional('certificate', { type: 'string', demandOption: true })
    .option('key', { type: 'string', describe: 'PEM of the key that must have signed' })
    .option('report', { type: 'string', describe: 'the report.json that it must be about' }),
  ({ certificate, key, report }) => {
    const { publicKey, statement: { level, plugin, startedAt, verdict } } = verifyCertificate(readFileSync(certificate, 'utf8'), {
      ...key === undefined ? {} : { key: readFileSync(key, 'utf8') }, ...report === undefined ? {} : { reportText: readFileSync(report, 'utf8') }
    })
    process.stdout.write(`valid: ${plugin.package} ${plugin.version}, ${verdict}, level ${level}, ${startedAt}\nsigned by ${publicKey}\n`)
  })
  .command('key <file>', 'make a key to sign certificates with', command => command.positional('file', { type: 'string', demandOption: true }),
    ({ file }) => { writeFileSync(file, newKey(), { mode: 0o600, flag: 'wx' }) })
  .command('list <kind>', 'list the checks', command => command.positional('kind', { choices: Object.keys(kinds) as (keyof typeof kinds)[], demandOption: true }),
    ({ kind }) => {
      for (const { id, level, missing, name } of catalogueOf(kinds[kind])) process.stdout.write(`${id.padEnd(7)} ${level.padEnd(10)} ${name}${missing === undefined ? '' : `   (not yet: ${missingBecause[missing]})`}\n`)
    })
  .demandCommand(1, 'Name a command; --help lists them.')
  .strict()
  .recommendCommands()
  .version(false)
  .help()
  .fail((message, error) => { fail(error ?? new Error(message)) })
  .parseAsync()
  .catch(fail)
release()

function optionsFrom (file: string): Readonly<Record<string, unknown>> {
  let parsed: unknown
  try {
    parsed = parse(readFileSync(file, 'utf8'))
  } catch (cause) {
    throw new StreambedError('MISCONFIGURED', `${file}: cannot be read as YAML: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw new StreambedError('MISCONFIGURED', `${file}: expected the plugin's options, as keys and values`)
  return parsed as Readonly<Record<string, unknown>>
}

function showProgress ({ check: { durationMs, id, name, outcome, reason }, done, leftMs, total }: Progress): void {
  if (outcome === 'missing' || outcome === 'notApplicable') return
  const left = done === total ? '' : `   about ${Math.ceil(leftMs / 1000)} s left`
  process.stderr.write(`[${done}/${total}] ${id} ${name}: ${outcome}${durationMs === undefined ? '' : `, ${durationMs} ms`}${left}\n${outcome === 'failed' || outcome === 'notRun' ? `    ${reason}\n` : ''}`)
}

function writeReport (report: Report, folder: string, pem: string | undefined): void {
  mkdirSync(folder, { recursive: true })
  const json = `${JSON.stringify(report, null, 2)}\n`
  const files = { 'report.json': json, 'report.html': htmlOf(report), 'junit.xml': junitOf(report), 'badge.svg': badgeOf(report), ...pem === undefined ? {} : { 'certificate.json': certificateOf(report, json, pem) } }
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text)
}

function fail (error: unknown): never {
  const isExpected = StreambedError.is(error) || !(error instanceof Error) || error.name === 'Error' || error.name === 'YError'
  process.stderr.write(`streambed-conformance: ${error instanceof Error ? (isExpected ? error.message : error.stack ?? error.message) : String(error)}\n`)
  process.exit(2)
}
