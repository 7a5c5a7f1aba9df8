// `npm test`: the static checks, then every test. Ends with the line `N passed, N failed`.
import { spawn, spawnSync } from 'node:child_process'
import path from 'node:path'

const root = path.dirname(import.meta.dirname)
const source = ['--conditions=streambed-source', '--disable-warning=ExperimentalWarning']
const specs = ['sdk/test', 'plugins/*/test', 'conformance/test', 'core/test', 'examples/*/test'].flatMap(folder => ['--spec', `${folder}/**/*.test.ts`])

const lint = spawnSync(process.execPath, [...source, 'tools/lint.ts'], { cwd: root, stdio: 'inherit' })
const { failed, passed, status } = await runMocha()
const lintFailed = lint.status === 0 ? 0 : 1
console.log(`${passed + 1 - lintFailed} passed, ${failed + lintFailed} failed`)
process.exit(status === 0 && lintFailed === 0 ? 0 : 1)

/** Shows mocha's report as it comes and reads the counts from its end. */
function runMocha (): Promise<{ readonly passed: number, readonly failed: number, readonly status: number | null }> {
  return new Promise(resolve => {
    const mocha = spawn(process.execPath, ['node_modules/mocha/bin/mocha.js', ...specs], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
    let output = ''
    mocha.stdout.on('data', (chunk: Buffer) => {
      process.stdout.write(chunk)
      output = (output + chunk.toString()).slice(-200_000)
    })
    mocha.on('close', status => {
      const count = (word: string): number => Number(new RegExp(`(\\d+) ${word}`).exec(output)?.[1] ?? 0)
      const failed = count('failing')
      // A crash before the report is a failure that no count shows.
      resolve({ passed: count('passing'), failed: status === 0 ? failed : Math.max(1, failed), status })
    })
  })
}
