import { levels } from '../catalogue/catalogue.ts'
import { escaped } from './escaped.ts'
import { countOf, type CheckResult, type Measurement, type Report } from './report.ts'

const words: Readonly<Record<CheckResult['outcome'], string>> = { passed: 'passed', failed: 'FAILED', notRun: 'not run', notApplicable: 'does not apply', missing: 'not in this version' }

/** The report as one page that needs nothing else. */
export function htmlOf (report: Report): string {
  const { plugin, verdict } = report
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(plugin.name)}: conformance</title>
<style>
body{font:15px/1.5 system-ui,sans-serif;color:#1c2024;max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem;margin:0 0 .5rem}h2{font-size:1.15rem;margin:2rem 0 .5rem}
.verdict{padding:1rem 1.2rem;border-radius:.5rem;color:#fff;background:${verdict === 'passed' ? '#18794e' : '#b42318'}}
.verdict b{font-size:1.25rem;display:block}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.25rem .6rem .25rem 0;border-bottom:1px solid #e4e6e9;vertical-align:top}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
.passed{color:#18794e}.failed{color:#b42318;font-weight:600}.notRun{color:#946800;font-weight:600}.notApplicable,.missing{color:#60646c}
code{font-size:.85em;word-break:break-all}figure{margin:.5rem 0 1.2rem}figcaption{color:#60646c}
</style></head><body>
<h1>${escaped(plugin.name)} <small>${escaped(plugin.kind)}, ${escaped(plugin.package)} ${escaped(plugin.version)}</small></h1>
<p class="verdict"><b>${verdictOf(report)}</b>${escaped(meaningOf(report))}</p>
${limitsOf(report)}<p>${countOf(report, 'passed')} checks passed, ${countOf(report, 'failed')} failed, ${countOf(report, 'notRun')} could not be run here, ${countOf(report, 'notApplicable')} do not apply, ${countOf(report, 'missing')} are not in this version of the suite.
Run of ${escaped(report.startedAt)}, ${(report.durationMs / 1000).toFixed(1)} s, seed ${report.seed}.</p>
${failuresOf(report)}${notRunOf(report)}${measurementsOf(report)}${costOf(report)}${warningsOf(report)}
<h2>Checks</h2>
${levels.filter(level => report.checks.some(check => check.level === level)).map(level => `<h3>${level}</h3>${tableOf(report.checks.filter(check => check.level === level && check.outcome !== 'missing'))}`).join('\n')}
<h2>What was not run, and why</h2>
${tableOf(report.checks.filter(({ outcome }) => outcome === 'missing'))}
<h2>Where</h2>
${pairs({ ...report.environment, suite: `${report.suite.package} ${report.suite.version}`, 'plugin, SHA-256 of its entry': plugin.sha256, declared: JSON.stringify(report.capabilities) })}
</body></html>
`
}

function verdictOf ({ latencyClass, level, verdict }: Report): string {
  if (verdict === 'failed') return 'Failed: do not trust it with acknowledged data'
  const measured = latencyClass === undefined ? '' : `, latency class ${latencyClass}`
  return level === 'none' ? `The chosen checks passed${measured}` : `Passed: level ${level}${measured}`
}

function meaningOf ({ latencyClass, level, verdict }: Report): string {
  if (verdict === 'failed') return ' At least one promise that brokers rely on was broken; which one stands below.'
  const meaning: Readonly<Record<Report['level'], string>> = {
    none: ' No level is claimed: only a part of the checks was run.',
    core: ' It does what its contract says while nothing goes wrong.',
    durability: ' It does what its contract says, and what it acknowledged survived processes that were killed.',
    fault: ' It keeps its promises over a network that fails.',
    latency: ' It keeps its promises, and was as fast as its class.',
    scale: ' It keeps its promises under sustained load.'
  }
  return meaning[level] + (latencyClass === undefined ? '' : ' Latencies hold for this run, this machine and this service.')
}

function limitsOf ({ limits = [] }: Report): string {
  return limits.map(limit => `<p><b>What it cannot do:</b> ${escaped(limit)}</p>\n`).join('')
}

function failuresOf ({ checks }: Report): string {
  const failed = checks.filter(({ outcome }) => outcome === 'failed')
  return failed.length === 0 ? '' : `<h2>Failures</h2>${tableOf(failed)}`
}

/** Above all others that were not run: what the operator can do something about. */
function notRunOf ({ checks, level }: Report): string {
  const notRun = checks.filter(({ outcome }) => outcome === 'notRun')
  return notRun.length === 0 ? '' : `<h2>Could not be run here</h2><p>A level that holds one of these is not claimed${level === 'none' ? '' : `; ${level} is the highest that is`}.</p>${tableOf(notRun)}`
}

function tableOf (checks: readonly CheckResult[]): string {
  const rows = checks.map(({ detail, durationMs, id, name, outcome, reason = detail ?? '' }) => `<tr><td><code>${id}</code></td><td>${escaped(name.replaceAll('_', ' '))}${reason === '' ? '' : `<br><small>${escaped(reason)}</small>`}</td><td class="${outcome}">${words[outcome]}</td><td class="n">${durationMs === undefined ? '' : `${durationMs} ms`}</td></tr>`)
  return `<table>${rows.join('')}</table>`
}

function measurementsOf ({ measurements }: Report): string {
  if (measurements.length === 0) return ''
  const rows = measurements.map(({ attempts, class: met, count, failures, id, maxMs, offeredPerSecond, operation, p50Ms, p999Ms, p99Ms }) =>
    `<tr><td><code>${id}</code></td><td>${escaped(operation)}, ${offeredPerSecond} a second</td>${[p50Ms, p99Ms, p999Ms, maxMs].map(ms => `<td class="n">${ms.toFixed(1)}</td>`).join('')}<td class="n">${count}${failures === 0 ? '' : `, ${failures} failed`}</td><td>${met}${attempts === 1 ? '' : `, measured ${attempts} times`}</td></tr>`)
  return `<h2>Latency</h2><table><tr><th></th><th></th><th class="n">P50 ms</th><th class="n">P99</th><th class="n">P99.9</th><th class="n">max</th><th class="n">count</th><th>class</th></tr>${rows.join('')}</table>
<p><small>Open loop: operations are due at a steady rate, and each counts from when it was due. What misses the declared class is measured again, three times at most: another load on the machine only makes slower. The figures are the last ones.</small></p>${measurements.map(histogramOf).join('\n')}`
}

/** Bars that double in width of time, as an inline drawing. */
function histogramOf ({ histogram, id, operation }: Measurement): string {
  const shown = histogram.slice(Math.max(0, histogram.findIndex(({ count }) => count > 0)))
  const highest = Math.max(1, ...shown.map(({ count }) => count))
  const [bar, tall] = [64, 80]
  const bars = shown.map(({ count, untilMs }, index) => {
    const height = Math.round(count / highest * tall)
    return `<rect x="${index * bar}" y="${tall - height + 14}" width="${bar - 6}" height="${height}" fill="#3e63dd"/><text x="${index * bar + bar / 2 - 3}" y="${tall - height + 11}">${count === 0 ? '' : count}</text><text x="${index * bar + bar / 2 - 3}" y="${tall + 28}">≤ ${untilMs < 1 ? untilMs : Math.round(untilMs * 10) / 10} ms</text>`
  })
  return `<figure><svg width="${shown.length * bar}" height="${tall + 34}" font-size="10" text-anchor="middle" fill="#60646c" role="img" aria-label="${escaped(operation)}">${bars.join('')}</svg><figcaption>${id}: ${escaped(operation)}</figcaption></figure>`
}

function costOf ({ cost, counters }: Report): string {
  const money = cost === undefined ? '' : `<p>At list prices (${escaped(cost.readOn)}, ${escaped(cost.source)}) this run cost about ${cost.amount.toFixed(4)} ${escaped(cost.currency)}.</p>`
  return Object.keys(counters).length === 0 ? money : `<h2>Requests and cost</h2>${money}${pairs(counters)}`
}

function warningsOf ({ warnings }: Report): string {
  return warnings.length === 0 ? '' : `<h2>Warnings of the backend's own checks</h2><ul>${warnings.map(({ problem, remedy }) => `<li>${escaped(problem)}. ${escaped(remedy)}</li>`).join('')}</ul>`
}

function pairs (values: object): string {
  return `<table>${Object.entries(values).map(([name, value]) => `<tr><td>${escaped(name.replaceAll('_', ' '))}</td><td><code>${escaped(String(value))}</code></td></tr>`).join('')}</table>`
}
