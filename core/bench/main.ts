// `npm run bench`: every figure beside the machine's own ceiling, taken in the same run. Writes a JSON file of the run.
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { everyBackend, slowPuts, type BackendResult } from './backends.ts'
import { catchUpConsume, median, produce, produceLatency, recovery, startup, tailConsume, tinyBatches, type Options, type Ratio } from './scenarios.ts'

const MiB = 1024 * 1024
const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    folder: { type: 'string' },
    out: { type: 'string', default: 'bench-results.json' }
  }
})

const folder = fs.mkdtempSync(path.join(values.folder ?? os.tmpdir(), 'streambed-bench-'))
const options: Options = values.quick
  ? { folder, rounds: 1, durationMs: 2_000, consumeBytes: 128 * MiB }
  : { folder, rounds: 3, durationMs: 5_000, consumeBytes: 768 * MiB }
const results: Record<string, unknown> = {
  machine: { cpu: os.cpus()[0]?.model, cores: os.cpus().length, memoryGB: Math.round(os.totalmem() / 1e9), kernel: os.release(), node: process.version },
  options: { ...options, folder: undefined },
  atMs: Date.now()
}

const scenarios: Readonly<Record<string, () => Promise<unknown>>> = {
  startup: async () => {
    const result = await startup(options)
    console.log(`ready                      ${spread(result.readyMs)} ms     resident when idle ${result.idleResidentMB.toFixed(0)} MB`)
    return result
  },
  recovery: async () => {
    const result = await recovery(options, 512 * MiB)
    console.log(`ready after a kill         ${spread(result.readyMs)} ms     with ${result.walMiB} MiB in the WAL   peak ${result.peakResidentMB.toFixed(0)} MB`)
    return result
  },
  tinyBatches: async () => {
    const result = await tinyBatches(options, 3_000_000)
    console.log(`tiny batches recovered     ${spread(result.recoveredMs)} ms     ${result.count} of one byte   ${median(result.cpuSeconds).toFixed(1)} CPU s   peak ${result.peakResidentMiB.toFixed(0)} MiB with ${result.heapMiB} MiB of heap`)
    return result
  },
  produceLarge: async () => show(await produce('produce 1 MiB requests', options, { requestBytes: MiB, recordBytes: 1_024, connections: 4, inFlight: 2 })),
  produceSmall: async () => show(await produce('produce 16 KiB requests', options, { requestBytes: 16 * 1_024, recordBytes: 1_024, connections: 8, inFlight: 8 })),
  latency: async () => {
    const result = await produceLatency(options, { megabytesPerSecond: 10, connections: 20 })
    console.log(`produce latency, 10 MB/s   P50 ${result.p50.toFixed(2)} ms   P99 ${result.p99.toFixed(2)} ms   P99.9 ${result.p999.toFixed(2)} ms   max ${result.max.toFixed(1)} ms   (${Math.round(result.achievedPerSecond)} requests/s of one 1 KiB record, 20 connections)`)
    return result
  },
  tail: async () => show(await tailConsume(options)),
  catchUp: async () => show(await catchUpConsume(options)),
  slowPuts: async () => {
    const result = await slowPuts(options, 60)
    console.log(`object WAL, puts + ${result.putLatencyMs} ms  lone produce ${result.loneProduceMs.toFixed(1)} ms = ${result.ratio.toFixed(2)} × one put (${result.putMs.toFixed(1)} ms)   ${result.megabytesPerSecond.toFixed(0)} MB/s with 1 MiB requests`)
    return result
  },
  backends: async () => {
    const all: BackendResult[] = []
    for await (const result of everyBackend(options)) {
      const { costPerGB, latency, megabytesPerSecond, requestsPerGB, store, wal } = result
      const cost = costPerGB === undefined ? 'no price' : `${costPerGB.amount.toFixed(4)} ${costPerGB.currency}`
      console.log(`${`${wal} on ${store}`.padEnd(26)} P50 ${latency.p50.toFixed(2)} ms   P99 ${latency.p99.toFixed(2)} ms   P99.9 ${latency.p999.toFixed(2)} ms   ${megabytesPerSecond.toFixed(0)} MB/s   a GB: ${requestsPerGB.put.toFixed(0)} puts, ${requestsPerGB.get.toFixed(0)} gets, ${cost}`)
      all.push(result)
    }
    return all
  }
}
/** Run only when they are named: they measure services that are started for it, or what is rare. */
const onlyByName = ['backends', 'tinyBatches']

try {
  for (const [name, run] of Object.entries(scenarios)) {
    if (values.only === undefined ? onlyByName.includes(name) : !values.only.split(',').includes(name)) continue
    results[name] = await run()
  }
  fs.writeFileSync(values.out, `${JSON.stringify(results, null, 2)}\n`)
  console.log(`written to ${values.out}`)
} finally {
  fs.rmSync(folder, { recursive: true, force: true })
}

function show (result: Ratio): Ratio {
  console.log(`${result.name.padEnd(26)} ${spread(result.broker)} MB/s   ceiling ${spread(result.ceiling)}   ratio ${result.ratio.toFixed(2)}   ${result.cpuSecondsPerGB.toFixed(2)} CPU s/GB   peak ${result.peakResidentMB.toFixed(0)} MB`)
  return result
}

/** Median, and the range of all rounds. */
function spread (numbers: readonly number[]): string {
  return `${median(numbers).toFixed(0)} (${Math.min(...numbers).toFixed(0)}–${Math.max(...numbers).toFixed(0)})`
}
