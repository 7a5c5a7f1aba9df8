// A request as OSS understands it, bucket in the path, and the check of its signature by Alibaba Cloud's own signer.
import type { IncomingMessage } from 'node:http'
import { signer } from './sdk.ts'

export interface Received {
  readonly method: string
  readonly bucket: string
  /** '' for the bucket itself. */
  readonly name: string
  /** Parameters without a value: ''. */
  readonly query: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string>>
}

export function receivedOf ({ headers, method = '', url = '' }: IncomingMessage): Received {
  const [path, search = ''] = url.split('?') as [string, string?]
  const [, bucket = '', ...name] = path.split('/')
  const query = Object.fromEntries(search.split('&').filter(pair => pair !== '').map(pair => {
    const [key, value = ''] = pair.split('=') as [string, string?]
    return [decodeURIComponent(key), decodeURIComponent(value)]
  }))
  return { method, bucket: decodeURIComponent(bucket), name: decodeURIComponent(name.join('/')), query, headers: headers as Readonly<Record<string, string>> }
}

/** The code of the error that OSS would refuse the request with, if any. */
export function signatureProblem ({ bucket, headers, method, name, query }: Received, { accessKeyId, accessKeySecret, nowMs, region, securityToken }: { readonly accessKeyId: string, readonly accessKeySecret: string, readonly securityToken?: string | undefined, readonly region: string, readonly nowMs: number }): string | undefined {
  const given = /^OSS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/oss\/aliyun_v4_request,(?:AdditionalHeaders=([^,]+),)?Signature=([0-9a-f]{64})$/.exec(headers['authorization'] ?? '')
  const time = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(headers['x-oss-date'] ?? '')
  if (given === null || time === null) return 'AccessDenied'
  if (given[1] !== accessKeyId) return 'InvalidAccessKeyId'
  if (given[3] !== region) return 'InvalidArgument'
  const [year, month, day, hour, minute, second] = time.slice(1).map(Number) as [number, number, number, number, number, number]
  if (Math.abs(nowMs - Date.UTC(year, month - 1, day, hour, minute, second)) > 15 * 60_000) return 'RequestTimeTooSkewed'
  if (securityToken !== undefined && headers['x-oss-security-token'] !== securityToken) return 'SecurityTokenExpired'
  // The SDK marks a parameter without a value by null or undefined.
  const queries = Object.fromEntries(Object.entries(query).map(([key, value]) => [key, value === '' ? null as never : value]))
  const right = signer.authorizationV4(accessKeyId, accessKeySecret, region, method, { headers, queries }, bucket === '' ? undefined : bucket, name === '' ? undefined : name, given[4]?.split(';'))
  return right === headers['authorization'] ? undefined : 'SignatureDoesNotMatch'
}

export function errorXml (code: string, message = 'no', more = ''): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Error>\n  <Code>${code}</Code>\n  <Message>${message}</Message>\n  <RequestId>5CAC0342B7AEADE017000001</RequestId>\n${more}</Error>\n`
}
