// What the linter's rules cannot say: which room may import from which, what only the host may touch, files that nobody
// imports, and error codes that docs/errors.md does not explain. Prints each finding with what to do instead.
import { readFileSync } from 'node:fs'
import { glob } from 'node:fs/promises'
import path from 'node:path'
import { errorTable } from '@streambed/sdk'

/** For each room, the rooms that it may import from; its own is always allowed. */
const arrows: Readonly<Record<string, readonly string[]>> = {
  'core/src/cli': ['core/src/main', 'core/src/client', 'core/src/protocol', 'core/src/runtime', 'core/src/metadata', 'core/src/storage', 'sdk'],
  'core/src/main': ['core/src/server', 'core/src/broker', 'core/src/metadata', 'core/src/storage', 'core/src/protocol', 'core/src/runtime', 'sdk'],
  'core/src/client': ['core/src/protocol', 'core/src/runtime', 'sdk'],
  'core/src/server': ['core/src/broker', 'core/src/protocol', 'core/src/runtime', 'sdk'],
  'core/src/broker': ['core/src/metadata', 'core/src/storage', 'core/src/protocol', 'sdk'],
  'core/src/metadata': ['core/src/storage', 'sdk'],
  'core/src/storage': ['sdk'],
  'core/src/protocol': ['sdk'],
  'core/src/runtime': ['sdk'],
  conformance: ['sdk'],
  plugins: ['sdk'],
  sdk: []
}

/** Only the composition root knows the container; only these rooms are the host. */
const containerRoom = 'core/src/main'
const hostRooms = ['core/src/runtime/', 'sdk/src/node/', 'conformance/src/cli/']
const hostOnly: readonly { readonly pattern: RegExp, readonly instead: string }[] = [
  { pattern: /\bDate\.now\(|\bnew Date\(\)|\bperformance\.now\(/, instead: 'take a Clock' },
  { pattern: /\bset(Timeout|Interval|Immediate)\(/, instead: 'take a Clock, or Environment.yieldTurn' },
  { pattern: /\bAbortSignal\.timeout\(/, instead: 'take a Clock' },
  { pattern: /\bMath\.random\(|\brandomUUID\(|\brandomBytes\(/, instead: 'take a Random' },
  { pattern: /\bprocess\.env\b/, instead: 'take the setting as an argument; core/src/runtime/process.ts has the environment' }
]

/** Loaded by name, not by import. */
const entryPoints = [/plugins\/process\/src\/(object-store|wal|metadata-log|serve)\.ts$/, /crash-child\.ts$/, /conformance\/src\/cli\/main\.ts$/, /\/index\.ts$/, /core\/src\/cli\/main\.ts$/, /core\/src\/main\/config\/broker-config\.ts$/]

const root = path.dirname(import.meta.dirname)
const findings: string[] = []
const imported = new Set<string>()
const sources: string[] = []
for await (const file of glob(['sdk/src/**/*.ts', 'core/src/**/*.ts', 'conformance/src/**/*.ts', 'plugins/*/src/**/*.ts'], { cwd: root })) sources.push(file)

for (const file of sources.sort()) check(file)
for (const file of sources) {
  if (!imported.has(file) && !entryPoints.some(pattern => pattern.test(file))) findings.push(`${file}: nobody imports this file; delete it, or use it`)
}
checkErrorDocs()

for (const finding of findings) console.error(finding)
console.log(`tree: ${sources.length} files, ${findings.length} findings`)
process.exit(findings.length === 0 ? 0 : 1)

function check (file: string): void {
  const lines = readFileSync(path.join(root, file), 'utf8').split('\n')
  const room = roomOf(file)
  for (const [index, line] of lines.entries()) {
    const where = `${file}:${index + 1}`
    const specifier = /(?:from|import\()\s*'([^']+)'/.exec(line)?.[1] ?? /^import '([^']+)'/.exec(line)?.[1]
    if (specifier !== undefined) checkImport(file, room, specifier, where)
    if (hostRooms.some(host => file.startsWith(host)) || /^\s*(\/\/|\*|\/\*)/.test(line)) continue
    for (const { instead, pattern } of hostOnly) if (pattern.test(line)) findings.push(`${where}: only the host may do this; ${instead}`)
  }
}

function checkImport (file: string, room: string, specifier: string, where: string): void {
  if (specifier === 'inversify' && room !== containerRoom) findings.push(`${where}: only ${containerRoom} may import inversify; take dependencies by constructor`)
  const target = specifier.startsWith('.') ? path.join(path.dirname(file), specifier) : specifier.startsWith('@streambed/') ? packageFolder(specifier) : undefined
  if (target === undefined) return
  imported.add(target)
  const targetRoom = roomOf(target)
  if (targetRoom === room && (room !== 'plugins' || target.split('/')[1] === file.split('/')[1])) return
  if (!(arrows[room] ?? []).includes(targetRoom)) findings.push(`${where}: ${room} may not import from ${targetRoom}; it may from ${(arrows[room] ?? []).join(', ') || 'nothing'}`)
}

function roomOf (file: string): string {
  const [first, second, third] = file.split('/')
  return first === 'core' ? `${first}/${second}/${third}` : first!
}

function packageFolder (specifier: string): string {
  const name = specifier.split('/')[1]!
  return ['sdk', 'core', 'conformance'].includes(name) ? `${name}/src/index.ts` : `plugins/${name}/src/index.ts`
}

function checkErrorDocs (): void {
  const documented = new Set([...readFileSync(path.join(root, 'docs/errors.md'), 'utf8').matchAll(/^\| `([A-Z_]+)`/gm)].map(match => match[1]!))
  for (const code of Object.keys(errorTable)) if (!documented.delete(code)) findings.push(`docs/errors.md: lacks ${code}; run 'npm run docs'`)
  for (const code of documented) findings.push(`docs/errors.md: explains ${code}, which does not exist; run 'npm run docs'`)
}
