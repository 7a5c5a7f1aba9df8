import { parseArgs } from 'node:util'
import { mustBeReached } from './reached.ts'
import { failureMessage } from './replay.ts'
import { simulate } from './simulation.ts'

/** `npm run simulate -- --seed N [--trace]`, or `--seeds COUNT [--from N]`. */
const { values } = parseArgs({ options: { seed: { type: 'string' }, seeds: { type: 'string' }, from: { type: 'string' }, trace: { type: 'boolean' } } })
const from = Number(values.seed ?? values.from ?? 1)
const count = values.seed === undefined ? Number(values.seeds ?? 200) : 1
let failedCount = 0
const reached = new Map<string, number>()
for (let seed = from; seed < from + count; seed++) {
  const result = await simulate({ seed, keepsTrace: values.trace === true })
  for (const line of result.trace) console.log(line)
  for (const [event, times] of result.reached) reached.set(event, (reached.get(event) ?? 0) + times)
  if (result.violation !== undefined) {
    failedCount++
    console.log(failureMessage(result))
  } else if (count === 1) console.log(`seed ${seed}: no violation digest=${result.digest} ${JSON.stringify(result.stats)}`)
}
for (const [event, times] of [...reached].sort(([left], [right]) => left < right ? -1 : 1)) console.log(`${String(times).padStart(8)} ${event}`)
for (const event of mustBeReached) if (count > 1 && !reached.has(event)) console.log(`       0 ${event}`)
console.log(`${count} seeds, ${failedCount} with a violation`)
process.exitCode = failedCount > 0 ? 1 : 0
