import type { ServiceDeleteOutcome } from '@streambed/sdk/remote'
import { answerFailureOf } from './errors.ts'

/** A batch of deletions, as the JSON API takes it: requests of HTTP in the parts of one. */
export function batchOf (paths: readonly string[], boundary: string): string {
  const parts = paths.map((path, index) => `--${boundary}\r\ncontent-type: application/http\r\ncontent-id: <${index}>\r\n\r\nDELETE ${path} HTTP/1.1\r\n\r\n\r\n`)
  return `${parts.join('')}--${boundary}--\r\n`
}

/**
 * The outcome of each of `count` deletions. The answers come in any order, named `response-` and the number; one that is
 * missing leaves the outcome open.
 */
export function outcomesOf (count: number, contentType: string, body: string): readonly ServiceDeleteOutcome[] {
  const boundary = /boundary="?([^";]+)"?/.exec(contentType)?.[1]
  if (boundary === undefined) throw new Error(`the answer to a batch is not one. contentType=${contentType}`)
  const outcomes: ServiceDeleteOutcome[] = new Array<ServiceDeleteOutcome>(count).fill({ kind: 'failed', failure: { code: 'NO_VERDICT', detail: 'the answer does not tell of it' } })
  for (const part of body.split(`--${boundary}`)) {
    const number = /^content-id:\s*<response-(\d+)>/im.exec(part)?.[1]
    const status = /^HTTP\/1\.\d (\d{3})/m.exec(part)?.[1]
    if (number === undefined || status === undefined || Number(number) >= count) continue
    outcomes[Number(number)] = outcomeOf(Number(status), part)
  }
  return outcomes
}

function outcomeOf (status: number, part: string): ServiceDeleteOutcome {
  if (status < 300) return { kind: 'deleted' }
  // Headers of the part, of the answer in it, and its body.
  const [, , ...text] = part.split(/\r?\n\r?\n/)
  const failure = answerFailureOf(status, text.join('\n\n').trim())
  return failure.code === 'NOT_FOUND' ? { kind: 'deleted' } : { kind: 'failed', failure }
}
