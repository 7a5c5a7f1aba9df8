import { createHash, createHmac } from 'node:crypto'

export interface Keys {
  readonly accessKeyId: string
  readonly accessKeySecret: string
  /** Of temporary keys. */
  readonly securityToken?: string | undefined
}

export interface Signable {
  readonly method: string
  readonly bucket: string
  /** Undefined: the bucket itself. */
  readonly name: string | undefined
  /** Parameters without a value: ''. */
  readonly query: Readonly<Record<string, string>>
  /** By lower-case names. */
  readonly headers: Readonly<Record<string, string>>
}

/**
 * The headers of a request, signed by version 4 of OSS's signatures (Developer Reference, Include a V4 signature in the
 * Authorization header). Signed are method, path, query, `content-type`, `content-md5` and all of `x-oss-`; the body is covered
 * by its MD5, or by the connection.
 */
export function signedHeaders ({ bucket, headers: given, method, name, query }: Signable, { accessKeyId, accessKeySecret, securityToken }: Keys, { nowMs, region }: { readonly nowMs: number, readonly region: string }): Readonly<Record<string, string>> {
  const time = new Date(nowMs).toISOString().replaceAll(/[-:]|\.\d{3}/g, '')
  const day = time.slice(0, 8)
  const headers: Record<string, string> = { ...given, 'x-oss-date': time, 'x-oss-content-sha256': payload, ...securityToken === undefined ? {} : { 'x-oss-security-token': securityToken } }
  const signed = Object.keys(headers).filter(header => header.startsWith('x-oss-') || header === 'content-type' || header === 'content-md5').sort()
  const canonical = [
    method,
    pathOf(bucket, name),
    queryOf(query),
    ...signed.map(header => `${header}:${headers[header]!.trim()}`),
    '',
    '', // no further headers
    payload
  ].join('\n')
  const scope = `${day}/${region}/oss/aliyun_v4_request`
  const toSign = ['OSS4-HMAC-SHA256', time, scope, createHash('sha256').update(canonical).digest('hex')].join('\n')
  const key = [day, region, 'oss', 'aliyun_v4_request'].reduce<Buffer | string>((secret, part) => createHmac('sha256', secret).update(part).digest(), `aliyun_v4${accessKeySecret}`)
  return { ...headers, authorization: `OSS4-HMAC-SHA256 Credential=${accessKeyId}/${scope},Signature=${createHmac('sha256', key).update(toSign).digest('hex')}` }
}

const payload = 'UNSIGNED-PAYLOAD'

/** A path in the form that is signed and sent. */
export function pathOf (bucket: string, name: string | undefined): string { return `/${bucket}/${(name ?? '').split('/').map(encoded).join('/')}` }

/** A query in the form that is signed and sent: sorted, and parameters without a value without a `=`. */
export function queryOf (query: Readonly<Record<string, string>>): string {
  return Object.keys(query).sort().map(name => query[name] === '' ? encoded(name) : `${encoded(name)}=${encoded(query[name]!)}`).join('&')
}

/** As RFC 3986 has it: JavaScript leaves five more characters as they are. */
function encoded (text: string): string { return encodeURIComponent(text).replaceAll(/[!'()*]/g, character => `%${character.charCodeAt(0).toString(16).toUpperCase()}`) }
