import type { IncomingHttpHeaders } from 'node:http'
import type { Passage, Refusal } from '../faults/fault.ts'

/** What the proxy has to know of a request to speak as the service would. */
export interface RequestFacts { readonly method: string, readonly path: string, readonly headers: IncomingHttpHeaders }

export interface Answer { readonly status: number, readonly headers: Readonly<Record<string, string>>, readonly body: string }

/** How services bill requests. */
export type BillingClass = 'put' | 'get' | 'list' | 'delete'

export type Dialect = 's3' | 'azure' | 'gcs' | 'oss'

/** How each service words a refusal: S3's kin, OSS and Azure with XML, Google with JSON (their error references). */
const answers: Readonly<Record<Exclude<Refusal, 'reset'>, Readonly<Record<Dialect, readonly [status: number, code: string]>>>> = {
  unavailable: { s3: [500, 'InternalError'], azure: [500, 'InternalError'], gcs: [500, 'backendError'], oss: [500, 'InternalError'] },
  throttled: { s3: [503, 'SlowDown'], azure: [503, 'ServerBusy'], gcs: [429, 'rateLimitExceeded'], oss: [503, 'TotalQpsLimitExceeded'] },
  tooManyRequests: { s3: [429, 'TooManyRequests'], azure: [429, 'TooManyRequests'], gcs: [429, 'rateLimitExceeded'], oss: [429, 'TooManyRequests'] },
  denied: { s3: [403, 'AccessDenied'], azure: [403, 'AuthorizationFailure'], gcs: [403, 'forbidden'], oss: [403, 'AccessDenied'] },
  full: { s3: [403, 'QuotaExceeded'], azure: [507, 'InsufficientStorage'], gcs: [507, 'quotaExceeded'], oss: [403, 'QuotaExceeded'] },
  conflict: { s3: [409, 'ConditionalRequestConflict'], azure: [409, 'OperationTimedOut'], gcs: [409, 'conflict'], oss: [409, 'OperationAborted'] },
  expired: { s3: [400, 'ExpiredToken'], azure: [401, 'InvalidAuthenticationInfo'], gcs: [401, 'authError'], oss: [403, 'SecurityTokenExpired'] },
  skewed: { s3: [403, 'RequestTimeTooSkewed'], azure: [403, 'AuthenticationFailed'], gcs: [401, 'authError'], oss: [403, 'RequestTimeTooSkewed'] }
}

/** What is on every answer of the service, by which a client knows it from a stranger's. */
const own: Readonly<Record<Dialect, Readonly<Record<string, string>>>> = {
  s3: { 'x-amz-request-id': 'fault' }, azure: { 'x-ms-request-id': 'fault' }, gcs: { 'x-guploader-uploadid': 'fault' }, oss: { 'x-oss-request-id': 'fault' }
}

export function dialectOf ({ headers, path }: RequestFacts): Dialect {
  if (headers['x-ms-version'] !== undefined) return 'azure'
  if (headers.authorization?.startsWith('OSS') === true) return 'oss'
  return /^\/(upload\/|batch\/|download\/)?storage\/v1|^\/batch\b/.test(path) || headers['x-goog-api-client'] !== undefined ? 'gcs' : 's3'
}

export function answerOf (refusal: Exclude<Refusal, 'reset'>, request: RequestFacts): Answer {
  const dialect = dialectOf(request)
  const [status, code] = answers[refusal][dialect]
  const retryAfter: Readonly<Record<string, string>> = refusal === 'tooManyRequests' ? { 'retry-after': '1' } : {}
  if (dialect === 'gcs') return { status, headers: { ...own.gcs, ...retryAfter, 'content-type': 'application/json' }, body: JSON.stringify({ error: { code: status, message: 'fault', errors: [{ reason: code, message: 'fault' }] } }) }
  const headers = { ...own[dialect], ...retryAfter, 'content-type': 'application/xml', ...dialect === 'azure' ? { 'x-ms-error-code': code } : {} }
  return { status, headers, body: `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>fault</Message><RequestId>fault</RequestId></Error>` }
}

export function actionOf (request: RequestFacts): Passage['action'] {
  const billed = billingClassOf(request)
  return billed === 'put' ? 'write' : billed === 'get' ? 'read' : billed
}

/** Reads of an object and of its head are billed alike; so are all requests that write. */
export function billingClassOf (request: RequestFacts): BillingClass {
  const { method, path } = request
  const query = new URL(path, 'http://proxy').searchParams
  if (method === 'DELETE') return 'delete'
  if (method === 'POST' && (query.has('delete') || query.get('comp') === 'batch' || path.startsWith('/batch'))) return 'delete'
  if (method === 'PUT' || method === 'POST') return 'put'
  if (method === 'GET' && (query.has('list-type') || query.has('uploads') || query.get('comp') === 'list' || /\/b\/[^/?]+\/o(\?|$)/.test(path) || query.has('prefix') || query.has('max-keys'))) return 'list'
  return 'get'
}

/** The bytes of the object in the body of a put, as a view: Google's API has them in the last of two parts, the others all of the body. */
export function contentOf ({ headers }: RequestFacts, body: Buffer): Buffer {
  const boundary = /^multipart\/related;.*\bboundary="?([^";]+)/.exec(headers['content-type'] ?? '')?.[1]
  if (boundary === undefined) return body
  const lastPart = body.indexOf(`\r\n--${boundary}\r\n`)
  const start = body.indexOf('\r\n\r\n', lastPart + boundary.length + 4) + 4
  return body.subarray(start, body.lastIndexOf(`\r\n--${boundary}--`))
}

/** A batch delete's answer in which one key failed; undefined where this dialect's answers are not known. */
export function withOneFailure (request: RequestFacts, requestBody: Buffer, answer: Buffer): Buffer | undefined {
  if (dialectOf(request) !== 's3') return undefined
  const key = /<Key>([^<]*)<\/Key>/.exec(requestBody.toString())?.[1]
  const text = answer.toString()
  if (key === undefined || !text.includes('DeleteResult')) return undefined
  const deleted = new RegExp(`<Deleted><Key>${key.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}</Key>.*?</Deleted>`)
  const error = `<Error><Key>${key}</Key><Code>InternalError</Code><Message>fault</Message></Error>`
  const rest = text.replace(deleted, '')
  return Buffer.from(/<DeleteResult[^>]*\/>/.test(rest) ? rest.replace(/<DeleteResult([^>]*)\/>/, `<DeleteResult$1>${error}</DeleteResult>`) : rest.replace('</DeleteResult>', `${error}</DeleteResult>`))
}
