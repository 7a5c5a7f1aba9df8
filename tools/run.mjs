// The launcher behind every npm script: brings the dependencies (and Node 24 among them) when they are
// missing or stale, then runs one command on that Node. Plain JavaScript, since an older Node starts it.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { nodeSettings } from './node-settings.mjs'

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const stampFile = path.join(root, 'node_modules', '.streambed-setup.json')
const [command, ...args] = process.argv.slice(2)

/** Each command: which dependencies it needs, and the program with its fixed arguments. */
const source = ['--conditions=streambed-source', '--disable-warning=ExperimentalWarning']
const cli = path.join(root, 'core/src/cli/main.ts')
const commands = {
  start: { needs: 'runtime', node: [...source, cli, 'start'] },
  cli: { needs: 'runtime', node: [...source, cli] },
  test: { needs: 'development', node: [...source, path.join(root, 'tools/test.ts')] },
  mocha: { needs: 'development', node: [path.join(root, 'node_modules/mocha/bin/mocha.js')] },
  lint: { needs: 'development', node: [...source, path.join(root, 'tools/lint.ts')] },
  interop: { needs: 'development', node: [...source, path.join(root, 'tools/interop.ts')] },
  certify: { needs: 'development', node: [...source, path.join(root, 'tools/certify.ts')] },
  conformance: { needs: 'development', node: [...source, path.join(root, 'conformance/src/cli/main.ts')] },
  bench: { needs: 'development', node: [...source, path.join(root, 'core/bench/main.ts')] },
  simulate: { needs: 'development', node: [...source, path.join(root, 'core/test/simulation/main.ts')] },
  docs: { needs: 'development', node: [...source, path.join(root, 'tools/docs.ts')] },
  build: { needs: 'development', node: [path.join(root, 'node_modules/typescript/bin/tsc'), '-b', 'sdk', 'core', 'conformance', ...pluginFolders()] }
}

function pluginFolders () {
  const manifest = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8'))
  return Object.keys(manifest.packages).filter(name => name.startsWith('plugins/'))
}

function setUp (needs) {
  const lock = createHash('sha256').update(readFileSync(path.join(root, 'package-lock.json'))).digest('hex')
  let stamp = {}
  try { stamp = JSON.parse(readFileSync(stampFile, 'utf8')) } catch { /* absent or torn: install again */ }
  if (stamp.lock === lock && (stamp.has === 'development' || stamp.has === needs)) return
  console.error(`streambed: installing ${needs} dependencies ...`)
  const npmArgs = ['ci', '--no-audit', '--no-fund', '--loglevel=error', ...(needs === 'runtime' ? ['--omit=dev'] : [])]
  // npm sets npm_execpath for its scripts; a bare `node tools/run.mjs` falls back to the npm on the PATH.
  const npm = process.env.npm_execpath
  const done = npm
    ? spawnSync(process.execPath, [npm, ...npmArgs], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
    : spawnSync('npm', npmArgs, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
  if (done.status !== 0) {
    console.error(`streambed: npm ci failed (exit ${done.status}). Run 'npm ci' in ${root} to see why.`)
    process.exit(1)
  }
  writeFileSync(stampFile, JSON.stringify({ lock, has: needs }))
}

/** The Node that npm brought, or this one where the registry has none for the platform. */
function nodeBinary () {
  const brought = path.join(root, 'node_modules', '.bin', 'node')
  if (existsSync(brought)) return brought
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath
  console.error(`streambed: Node 24 or newer is needed on ${process.platform}-${process.arch}, found ${process.version}. Install it and run this again.`)
  process.exit(1)
}

const chosen = commands[command]
if (chosen === undefined) {
  console.error(`streambed: unknown command '${command}'. Expected one of: ${Object.keys(commands).join(', ')}.`)
  process.exit(2)
}
setUp(chosen.needs)
const node = nodeBinary()
const child = spawn(node, [...chosen.node, ...args], {
  cwd: root,
  stdio: 'inherit',
  env: { ...nodeSettings, ...process.env, PATH: `${path.join(root, 'node_modules', '.bin')}${path.delimiter}${process.env.PATH}` }
})
// A terminal sends SIGINT to the whole group; a supervisor signals only this process. Both must reach the child once.
process.on('SIGINT', () => { if (!process.stdin.isTTY) child.kill('SIGINT') })
process.on('SIGTERM', () => child.kill('SIGTERM'))
// npm hands a signal to a shell, which ends and tells nobody.
const parent = process.ppid
setInterval(() => { if (process.ppid !== parent) child.kill('SIGTERM') }, 500).unref()
child.on('exit', (code, signal) => process.exit(code ?? 128 + (signal === 'SIGINT' ? 2 : signal === 'SIGTERM' ? 15 : 1)))
