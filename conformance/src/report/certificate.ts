import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify, type KeyObject } from 'node:crypto'
import { StreambedError } from '@streambed/sdk'
import { countOf, type Report } from './report.ts'

/** What is signed. */
export interface Statement {
  readonly format: 1
  readonly suite: Report['suite']
  readonly plugin: Report['plugin']
  readonly capabilities: object
  readonly environment: Report['environment']
  readonly startedAt: string
  readonly seed: number
  readonly level: Report['level']
  readonly verdict: Report['verdict']
  readonly latencyClass?: Report['latencyClass']
  /** In words; see `Report`. */
  readonly limits?: Report['limits']
  readonly passed: number
  readonly failed: number
  /** Checks of the requested level that were not run, by id. */
  readonly notRun: readonly string[]
  readonly counters: Report['counters']
  readonly cost?: Report['cost']
  /** SHA-256 of report.json, byte by byte. */
  readonly reportSha256: string
}

export interface Certificate {
  readonly statement: Statement
  readonly algorithm: 'Ed25519'
  /** SPKI in DER, lower-case hex. */
  readonly publicKey: string
  /** Of the statement as `JSON.stringify` writes it without spaces; lower-case hex. */
  readonly signature: string
}

/** A new key to sign with, as PEM (PKCS #8). */
export function newKey (): string { return generateKeyPairSync('ed25519', { privateKeyEncoding: { type: 'pkcs8', format: 'pem' }, publicKeyEncoding: { type: 'spki', format: 'pem' } }).privateKey }

/** The text of a certificate of `report`, whose file holds `reportText`, signed with the key in `pem`. INVALID_ARGUMENT: not an Ed25519 private key. */
export function certificateOf (report: Report, reportText: string, pem: string): string {
  const key = privateKeyOf(pem)
  const { capabilities, cost, counters, environment, latencyClass, level, limits, plugin, seed, startedAt, suite, verdict } = report
  const statement: Statement = {
    format: 1, suite, plugin, capabilities, environment, startedAt, seed, level, verdict,
    ...latencyClass === undefined ? {} : { latencyClass },
    ...limits === undefined ? {} : { limits },
    passed: countOf(report, 'passed'),
    failed: countOf(report, 'failed'),
    notRun: report.checks.filter(({ outcome }) => outcome === 'missing' || outcome === 'notApplicable' || outcome === 'notRun').map(({ id }) => id),
    counters,
    ...cost === undefined ? {} : { cost },
    reportSha256: createHash('sha256').update(reportText).digest('hex')
  }
  return textOf({
    statement,
    algorithm: 'Ed25519',
    publicKey: hexOf(createPublicKey(key)),
    signature: sign(null, Buffer.from(JSON.stringify(statement)), key).toString('hex')
  })
}

export interface Trust {
  /** PEM of the key that must have signed, public or private; otherwise whoever signed is told, not judged. */
  readonly key?: string
  /** The report that the certificate must be about. */
  readonly reportText?: string
}

/** The certificate in `text`. Throws CORRUPT, saying why, unless every byte of it is as it was signed. */
export function verifyCertificate (text: string, { key, reportText }: Trust = {}): Certificate {
  let certificate: Certificate
  try {
    certificate = JSON.parse(text) as Certificate
  } catch (cause) {
    throw new StreambedError('CORRUPT', 'this is no certificate: not JSON', { cause })
  }
  const { algorithm, publicKey, signature, statement } = certificate
  if (algorithm !== 'Ed25519' || !/^[0-9a-f]{88}$/.test(publicKey) || !/^[0-9a-f]{128}$/.test(signature) || statement?.format !== 1) throw corrupt('this is no certificate of a known format: expected Ed25519, format 1')
  // Signatures cover meaning; this covers the bytes: spaces, order, what was added.
  if (text !== textOf({ statement, algorithm, publicKey, signature })) throw corrupt('the certificate is not written as it was signed')
  const signer = publicKeyOf(publicKey)
  // DER has one way to write a key, but readers take others (unused bits), under which the signature still fits.
  if (hexOf(signer) !== publicKey) throw corrupt('the public key is not written as it was signed')
  if (!verify(null, Buffer.from(JSON.stringify(statement)), signer, Buffer.from(signature, 'hex'))) throw corrupt('the signature does not fit: the certificate was changed after it was signed')
  if (key !== undefined && hexOf(createPublicKey(key)) !== publicKey) throw corrupt(`another key has signed: ${publicKey}`)
  if (reportText !== undefined && createHash('sha256').update(reportText).digest('hex') !== statement.reportSha256) throw corrupt('the report is not the one that the certificate is about')
  return certificate
}

function textOf (certificate: Certificate): string { return `${JSON.stringify(certificate, null, 2)}\n` }
function corrupt (message: string): StreambedError { return new StreambedError('CORRUPT', message) }

function privateKeyOf (pem: string): KeyObject {
  try {
    const key = createPrivateKey(pem)
    if (key.asymmetricKeyType === 'ed25519') return key
  } catch { /* Told below. */ }
  throw new StreambedError('INVALID_ARGUMENT', "the key is no Ed25519 private key in PEM; 'streambed-conformance key FILE' makes one")
}

function publicKeyOf (hex: string): KeyObject {
  try {
    return createPublicKey({ key: Buffer.from(hex, 'hex'), type: 'spki', format: 'der' })
  } catch (cause) {
    throw new StreambedError('CORRUPT', 'the public key is damaged', { cause })
  }
}

function hexOf (publicKey: KeyObject): string { return publicKey.export({ type: 'spki', format: 'der' }).toString('hex') }
