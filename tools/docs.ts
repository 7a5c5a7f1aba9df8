// Writes the generated documents; with --check, fails when one is not what would be written.
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { reportJsonSchema } from '@streambed/conformance'
import { errorTable } from '@streambed/sdk'
import { oddAnswersReference } from '../conformance/test/odd-answers/reference.ts'
import { configReference } from '../core/src/main/config/reference.ts'
import { sdkReference } from './sdk-reference.ts'

const root = path.dirname(import.meta.dirname)
const documents: Readonly<Record<string, string>> = {
  'docs/configuration.md': await configReference(),
  'docs/conformance-report.schema.json': `${JSON.stringify(reportJsonSchema(), null, 2)}\n`,
  'docs/errors.md': errorReference(),
  'docs/odd-answers.md': oddAnswersReference(),
  'docs/sdk.md': sdkReference()
}

let stale = 0
for (const [file, wanted] of Object.entries(documents)) {
  const target = path.join(root, file)
  if (!process.argv.includes('--check')) {
    writeFileSync(target, wanted)
    continue
  }
  if (readOrEmpty(target) === wanted) continue
  console.error(`${file}: is not what the code says; run 'npm run docs'`)
  stale++
}
process.exit(stale === 0 ? 0 : 1)

function errorReference (): string {
  const rows = Object.entries(errorTable).map(([code, { meaning, retriable }]) => `| \`${code}\` | ${retriable ? 'yes' : 'no'} | ${meaning} |`)
  return [
    '# Errors',
    '',
    'Generated from the table in `sdk/src/errors.ts` by `npm run docs`; do not edit. Every expected failure of a plugin, of the',
    'engine and of the command line carries one of these codes. `retriable`: the same call may simply be made again.',
    '',
    '| code | retriable | meaning |',
    '|---|---|---|',
    ...rows,
    ''
  ].join('\n')
}

function readOrEmpty (file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
