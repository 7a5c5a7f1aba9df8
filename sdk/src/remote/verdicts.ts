import type { ServiceFailure } from './object-service.ts'

/**
 * What failures mean that are the same for every cloud: of the network, by status, and by the codes of S3's language, which others speak too. Data,
 * for `failureOf` of a driver, whose own tables go before these.
 */

/** What a failure comes to, and what an operator can do about it. */
export type Verdict = Omit<ServiceFailure, 'detail'>

/** What a driver knows of its service, beside and before what is the same for all. */
export interface Verdicts {
  readonly byCode: Readonly<Record<string, Verdict>>
  readonly byStatus?: Readonly<Record<number, Verdict>>
}

const authorityRemedy = "Trust the authority that signed the service's certificate (NODE_EXTRA_CA_CERTS), and check whether a proxy answers in the service's place."
const validityRemedy = "Renew the service's certificate, or set this machine's clock."
const certificateNameRemedy = 'Use the name that the certificate of the endpoint is for.'
const tlsRemedy = 'Check whether the endpoint is one of https or of http, and whether a proxy answers in its place.'
const routeRemedy = 'Check routes and firewalls between this machine and the endpoint.'

/**
 * Node's own codes (Node.js, Errors: common system errors; TLS: X509 certificate error codes; OpenSSL errors). UNAVAILABLE: the request never
 * reached the service, and took no effect. What breaks a connection may have befallen a request that was carried out: it is NO_VERDICT, listed here or not.
 */
export const verdictByNetworkCode: Readonly<Record<string, Verdict>> = {
  ECONNREFUSED: { code: 'UNAVAILABLE', remedy: 'Check that the service runs and that the endpoint is right.' },
  ENOTFOUND: { code: 'UNAVAILABLE', remedy: 'Check the endpoint, the names that are part of it (bucket, account, region), and name resolution.' },
  EAI_AGAIN: { code: 'UNAVAILABLE', remedy: 'Check name resolution.' },
  EHOSTUNREACH: { code: 'NO_VERDICT', remedy: routeRemedy },
  ENETUNREACH: { code: 'NO_VERDICT', remedy: routeRemedy },
  CERT_HAS_EXPIRED: { code: 'UNAVAILABLE', remedy: validityRemedy },
  CERT_NOT_YET_VALID: { code: 'UNAVAILABLE', remedy: validityRemedy },
  CERT_REVOKED: { code: 'UNAVAILABLE', remedy: validityRemedy },
  CERT_UNTRUSTED: { code: 'UNAVAILABLE', remedy: authorityRemedy },
  CERT_REJECTED: { code: 'UNAVAILABLE', remedy: authorityRemedy },
  DEPTH_ZERO_SELF_SIGNED_CERT: { code: 'UNAVAILABLE', remedy: authorityRemedy },
  SELF_SIGNED_CERT_IN_CHAIN: { code: 'UNAVAILABLE', remedy: authorityRemedy },
  UNABLE_TO_GET_ISSUER_CERT: { code: 'UNAVAILABLE', remedy: authorityRemedy },
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: { code: 'UNAVAILABLE', remedy: authorityRemedy },
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: { code: 'UNAVAILABLE', remedy: authorityRemedy },
  INVALID_CA: { code: 'UNAVAILABLE', remedy: authorityRemedy },
  HOSTNAME_MISMATCH: { code: 'UNAVAILABLE', remedy: certificateNameRemedy },
  ERR_TLS_CERT_ALTNAME_INVALID: { code: 'UNAVAILABLE', remedy: certificateNameRemedy },
  ERR_SSL_WRONG_VERSION_NUMBER: { code: 'UNAVAILABLE', remedy: tlsRemedy },
  ERR_SSL_PACKET_LENGTH_TOO_LONG: { code: 'UNAVAILABLE', remedy: tlsRemedy },
  EPROTO: { code: 'NO_VERDICT', remedy: tlsRemedy }
}

const keysRemedy = 'Check the credentials, and what they allow.'

/**
 * What a refusal by the service means that says nothing else (RFC 9110, 15.5; RFC 6585; RFC 4918). Statuses that are not here tell of no reason: NO_VERDICT.
 * None says that what was asked is wrong for good: services, and what stands between, refuse for more than that, and only a code that is known proves it.
 */
export const verdictByStatus: Readonly<Record<number, Verdict>> = {
  401: { code: 'PERMISSION_DENIED', remedy: keysRemedy },
  403: { code: 'PERMISSION_DENIED', remedy: keysRemedy },
  404: { code: 'NOT_FOUND' },
  405: { code: 'UNSUPPORTED' },
  409: { code: 'CONFLICT' },
  411: { code: 'UNSUPPORTED' },
  412: { code: 'ALREADY_EXISTS' }, // the only condition that drivers set is that the key is free
  416: { code: 'OUT_OF_RANGE' },
  429: { code: 'THROTTLED' },
  501: { code: 'UNSUPPORTED' },
  503: { code: 'THROTTLED' },
  507: { code: 'OUT_OF_SPACE', remedy: 'Free space, or raise the quota.' }
}

/** The service found that the bytes it got are not those that were sent, and stored nothing. Sent again, they may arrive. */
export const bytesChanged: Verdict = { code: 'UNAVAILABLE', remedy: 'Bytes changed on their way to the service, which stored nothing: if it goes on, look at what stands between (proxies, network cards, memory).' }

/** Codes of S3 (Amazon S3 API Reference, Error Responses) that mean the same in OSS and in Google's XML API. */
export const verdictByS3Code: Readonly<Record<string, Verdict>> = {
  NoSuchKey: { code: 'NOT_FOUND' },
  NoSuchUpload: { code: 'NOT_FOUND' },
  InvalidPart: { code: 'NOT_FOUND' },
  NoSuchBucket: { code: 'MISCONFIGURED', remedy: 'Create the bucket, or correct its name.' },
  InvalidBucketName: { code: 'MISCONFIGURED', remedy: "Correct the bucket's name." },
  PreconditionFailed: { code: 'ALREADY_EXISTS' },
  InvalidRange: { code: 'OUT_OF_RANGE' },
  InvalidObjectState: { code: 'MISCONFIGURED', remedy: 'The object was archived: take the rule that archives from our prefix, and restore it.' },
  RequestTimeTooSkewed: { code: 'UNAVAILABLE', remedy: "Set this machine's clock." },
  BadDigest: bytesChanged,
  InvalidDigest: bytesChanged,
  IncompleteBody: { code: 'UNAVAILABLE' },
  RequestTimeout: { code: 'UNAVAILABLE' }, // the body did not come; nothing was stored
  EntityTooLarge: { code: 'INVALID_ARGUMENT' },
  EntityTooSmall: { code: 'INVALID_ARGUMENT' },
  InvalidPartOrder: { code: 'INVALID_ARGUMENT' },
  NotImplemented: { code: 'UNSUPPORTED' },
  MethodNotAllowed: { code: 'UNSUPPORTED' },
  SlowDown: { code: 'THROTTLED' }
}

/** The code by which an error is known: the first of `candidates` that `own` or the network's table has; where none has, the first that there is. */
export function codeOf (candidates: readonly (string | undefined)[], own: Verdicts): string | undefined {
  const given = candidates.filter(code => code !== undefined && code !== '')
  return given.find(code => verdictByCodeOf(code, own) !== undefined) ?? given[0]
}

/** What a failure comes to, by its code, else by its status; NO_VERDICT where neither says. */
export function verdictOf ({ code, status }: { readonly code?: string | undefined, readonly status?: number | undefined }, own: Verdicts): Verdict {
  return verdictByCodeOf(code, own) ?? rowOf(own.byStatus ?? {}, status) ?? rowOf(verdictByStatus, status) ?? { code: 'NO_VERDICT' }
}

function verdictByCodeOf (code: string | undefined, own: Verdicts): Verdict | undefined { return rowOf(own.byCode, code) ?? rowOf(verdictByNetworkCode, code) }

/** Codes come from outside: `constructor` is none. */
function rowOf<Key extends string | number> (table: Readonly<Record<Key, Verdict>>, key: Key | undefined): Verdict | undefined {
  return key !== undefined && Object.hasOwn(table, key) ? table[key] : undefined
}

/** What a refusal means whose `text` names Requester Pays, by which a bucket takes no requests but of those who say that they pay. */
export function requesterPays (text: string): Verdict | undefined {
  if (!/requester.?pays|UserProjectMissing/i.test(text)) return undefined
  return { code: 'MISCONFIGURED', remedy: 'The bucket is set to Requester Pays, and requests of other accounts are refused that do not say that they pay, which ours do not: turn it off, or use a bucket of your own account.' }
}

/** `status=503 code=SlowDown message=…`: the facts that there are, each by the first line of it, at most 400 characters. */
export function detailOf (facts: Readonly<Record<string, string | number | readonly string[] | undefined>>): string {
  return Object.entries(facts).flatMap(([fact, value = '']) => value === '' ? [] : [`${fact}=${String(value).split('\n', 1)[0]!.slice(0, 400)}`]).join(' ')
}
