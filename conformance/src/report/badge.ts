import { escaped } from './escaped.ts'
import type { Report } from './report.ts'

const letterWidth = 6.6
const height = 20

/** A badge for a README: what the run showed. */
export function badgeOf ({ latencyClass, level, verdict }: Report): string {
  const left = 'streambed conformance'
  const right = verdict === 'failed' ? 'failed' : level === 'none' ? 'partial' : `${level}${latencyClass === undefined || latencyClass === 'none' ? '' : `, class ${latencyClass}`}`
  const [leftWidth, rightWidth] = [left, right].map(text => Math.round(text.length * letterWidth + 12)) as [number, number]
  const colour = verdict === 'failed' ? '#b42318' : level === 'none' ? '#946200' : '#18794e'
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${leftWidth + rightWidth}" height="${height}" role="img" aria-label="${escaped(`${left}: ${right}`)}">
<rect width="${leftWidth}" height="${height}" fill="#3a3f47"/><rect x="${leftWidth}" width="${rightWidth}" height="${height}" fill="${colour}"/>
<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle"><text x="${leftWidth / 2}" y="14">${escaped(left)}</text><text x="${leftWidth + rightWidth / 2}" y="14">${escaped(right)}</text></g>
</svg>
`
}
