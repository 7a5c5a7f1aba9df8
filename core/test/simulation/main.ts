import { parseArgs } from 'node:util'
import { simulate } from './simulation.ts'

/** `npm run simulate -- --seed N [--trace]`, or `--seeds COUNT [--from N]`. */
const { values } = parseArgs({ options: { seed: { type: 'string' }, seeds: { type: 'string' }, from: { type: 'string' }, trace: { type: 'boolean' } } })
const from = Number(values.seed ?? values.from ?? 1)
const count = values.seed === undefined ? Number(values.seeds ?? 200) : 1
let failedCount = 0
for (let seed = from; seed < from + count; seed++) {
  const { digest, stats, trace, violation } = await simulate({ seed, keepsTrace: values.trace === true })
  for (const line of trace) console.log(line)
  if (violation !== undefined) failedCount++
  if (violation !== undefined || count === 1) console.log(`seed ${seed}: ${violation === undefined ? 'no violation' : violation.message} digest=${digest} ${JSON.stringify(stats)}`)
  if (violation !== undefined && count > 1) console.log(`  replay: npm run simulate -- --seed ${seed} --trace`)
}
console.log(`${count} seeds, ${failedCount} with a violation`)
process.exitCode = failedCount > 0 ? 1 : 0
