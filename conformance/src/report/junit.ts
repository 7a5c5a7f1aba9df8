import { escaped } from './escaped.ts'
import { countOf, type Report } from './report.ts'

/** The report as JUnit XML: one test case a check; what was not run is skipped, with its reason. */
export function junitOf (report: Report): string {
  const skipped = countOf(report, 'missing') + countOf(report, 'notApplicable') + countOf(report, 'notRun')
  const cases = report.checks.map(({ durationMs = 0, id, level, name, outcome, reason = '' }) => {
    const open = `  <testcase classname="${report.plugin.name}.${level}" name="${id} ${name}" time="${(durationMs / 1000).toFixed(3)}"`
    if (outcome === 'passed') return `${open}/>`
    const body = outcome === 'failed' ? `<failure message="${escaped(reason)}"/>` : `<skipped message="${escaped(reason)}"/>`
    return `${open}>${body}</testcase>`
  })
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuite name="${escaped(`${report.plugin.name} conformance`)}" tests="${report.checks.length}" failures="${countOf(report, 'failed')}" skipped="${skipped}" time="${(report.durationMs / 1000).toFixed(3)}" timestamp="${report.startedAt}">
${cases.join('\n')}
</testsuite>
`
}
