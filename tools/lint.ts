// Everything that is checked without running the code: types, lint rules, the tree, generated documents.
import { spawnSync } from 'node:child_process'
import path from 'node:path'

const root = path.dirname(import.meta.dirname)
const source = ['--conditions=streambed-source', '--disable-warning=ExperimentalWarning']
const steps: readonly { readonly name: string, readonly args: readonly string[] }[] = [
  { name: 'types', args: ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json'] },
  { name: 'lint', args: ['node_modules/oxlint/bin/oxlint', '--type-aware', '--deny-warnings'] },
  { name: 'tree', args: [...source, 'tools/check-tree.ts'] },
  { name: 'documents', args: [...source, 'tools/docs.ts', '--check'] }
]

let failed = 0
for (const { args, name } of steps) {
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' })
  if (status !== 0) {
    console.error(`${name}: failed`)
    failed++
  }
}
process.exit(failed === 0 ? 0 : 1)
