import { compareKeys } from '../key-order.ts'
import type { ByteRange, ObjectInfo, ObjectPage } from '../object-store.ts'
import type { HttpAnswer } from './http-client.ts'
import { isWholeXml } from './xml.ts'

/**
 * Whether an answer can be one to what was asked. A proxy, a captive portal, a cache and a service that is unwell answer too, with a status
 * of success or in the service's stead; what they say is no fact about the store. Decided here for every cloud; a driver says which marks
 * its service leaves.
 */

/** The answer cannot be one to what was asked: of somebody else, of something else, or not whole. Whether the request took effect is not known. */
export class Unbelieved extends Error {
  constructor (why: string, facts: Readonly<Record<string, string | number | undefined>> = {}) {
    const told = Object.entries(facts).flatMap(([fact, value = '']) => value === '' ? [] : [` ${fact}=${String(value).slice(0, 200)}`])
    super(`the answer cannot be believed: ${why}.${told.join('')}`)
  }
}

type Headers = HttpAnswer['headers']

/** What an answer that is no success says of itself. */
export interface Refused {
  readonly status: number
  readonly headers: Headers
  /** The start of its body; '' where there is none. */
  readonly text: string
  /** The service's code in it, where the body is wholly in the service's language, or a header has it. */
  readonly code: string | undefined
}

/**
 * Whether a refusal is the service's own: it has a code of the service's, or a header that only the service sets and, where there is a body, a sentence:
 * no page, and nothing in the service's language that was cut off.
 */
export function isOwnRefusal ({ code, headers, text }: Refused, marks: RegExp): boolean {
  return code !== undefined || (!/^\s*[<{]/.test(text) && hasMark(headers, marks))
}

/** Whether `text` is a page for people. */
export function isPage (text: string): boolean { return /^\s*<(?:!doctype|html|head|body)\b/i.test(text) }

/** What is told of a refusal that is not the service's own. */
export function strangersRefusal ({ headers, status, text }: Refused): Unbelieved {
  return new Unbelieved('it is no success, and bears no mark of the service: a proxy, or another server', { status, contentType: String(headers['content-type'] ?? ''), says: firstWords(text) })
}

/** Rejects a success that bears none of the headers that the service sets. */
export function checkMark ({ headers, status }: Pick<HttpAnswer, 'headers' | 'status'>, marks: RegExp): void {
  if (!hasMark(headers, marks)) throw new Unbelieved('it bears no mark of the service: a proxy, or another server', { status, contentType: String(headers['content-type'] ?? '') })
}

function hasMark (headers: Headers, marks: RegExp): boolean { return Object.keys(headers).some(name => marks.test(name)) }

/**
 * The bytes in an answer to a request for `range`, or for all. A service may answer a range with the whole object and status 200
 * (RFC 9110, 14.2): `isWhole` then, and who asked proves it by the checksum of the whole before cutting the range out.
 */
export function objectBytes ({ body, headers, status }: HttpAnswer, range: ByteRange | undefined): { readonly bytes: Uint8Array, readonly isWhole: boolean } {
  const encoding = headers['content-encoding'] ?? ''
  // Some services keep how a client sent the bytes, which is not how they are given.
  if (encoding !== '' && encoding !== 'identity' && encoding !== 'aws-chunked') throw new Unbelieved('its bytes are encoded, which ours never are', { status, contentEncoding: encoding })
  if (status === 200) return { bytes: body, isWhole: true }
  if (range === undefined || status !== 206) throw new Unbelieved(range === undefined ? 'it is not the whole object' : 'it is not the range that was asked for', { status, contentRange: headers['content-range'] })
  const end = endOf(headers['content-range'], range)
  if (end === undefined || body.length !== end - range.start) {
    throw new Unbelieved('it is not the range that was asked for', { status, contentRange: headers['content-range'] ?? 'none', bytes: body.length, asked: `${range.start}-${range.end - 1}` })
  }
  return { bytes: body, isWhole: false }
}

/** The most bytes that an answer to a request for `range` is read to: a whole object in its place is, if it is no larger than can be held for that. */
export function answerBytesMaxOf (range: ByteRange | undefined, objectBytesMax: number): number {
  return range === undefined ? objectBytesMax : Math.max(range.end - range.start, wholeForRangeBytesMax)
}

const wholeForRangeBytesMax = 64 * 1024 * 1024

/** Where the range in a `content-range` ends, exclusively; undefined unless it is what exists of `range`. */
function endOf (contentRange: string | undefined, range: ByteRange): number | undefined {
  const told = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(contentRange ?? '')
  if (told === null) return undefined
  const end = told[3] === '*' ? range.end : Math.min(range.end, Number(told[3]))
  return Number(told[1]) === range.start && Number(told[2]) + 1 === end ? end : undefined
}

/** Rejects what is told of an object where a part of it is missing, or is no such thing. */
export function checkObject ({ modifiedMs, size, versionToken }: Omit<ObjectInfo, 'key'>): void {
  if (!Number.isSafeInteger(size) || size < 0) throw new Unbelieved('it tells no size')
  if (versionToken === '') throw new Unbelieved('it tells no version')
  if (!Number.isFinite(modifiedMs)) throw new Unbelieved('it does not tell when the object was stored')
}

/** Rejects a write's answer that does not tell what was stored. */
export function checkVersion (versionToken: string): void {
  if (versionToken === '') throw new Unbelieved('it tells no version')
}

export interface Listed { readonly prefix: string, readonly startAfter: string | undefined, readonly limit: number }

/** Rejects a page that is not the next `limit` names below `prefix` after `startAfter`, in order. */
export function checkPage ({ isLast, objects }: ObjectPage, { limit, prefix, startAfter }: Listed): void {
  if (objects.length > limit) throw new Unbelieved('it lists more than was asked for', { asked: limit, listed: objects.length })
  if (objects.length === 0 && !isLast) throw new Unbelieved('it lists nothing, and says that more follows')
  let before = startAfter
  for (const object of objects) {
    const { key } = object
    if (!key.startsWith(prefix)) throw new Unbelieved('it lists names below another prefix', { prefix, key })
    if (before !== undefined && compareKeys(key, before) <= 0) {
      throw new Unbelieved(before === startAfter ? 'it lists names that were not asked for: the service may take no notice of where a listing starts' : 'it lists names out of order', { after: before, key })
    }
    checkObject(object)
    before = key
  }
}

/** The text of an answer that is one element of XML, whole and balanced: a page of HTML, and a listing that was cut off, are not. */
export function wholeXml ({ body, headers, status }: HttpAnswer, root: string): string {
  const text = new TextDecoder().decode(body)
  if (status !== 200 || !isWholeXml(text, root)) throw new Unbelieved(`it is not a whole <${root}>`, { status, contentType: String(headers['content-type'] ?? ''), says: firstWords(text) })
  return text
}

/** The value of an answer that is an object of JSON, whole; `kind`: what it must say that it is, where nothing in it answers the question by name. */
export function wholeJson<Value extends object> ({ body, headers, status }: HttpAnswer, kind?: string): Value {
  const text = new TextDecoder().decode(body)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch { /* as it stands, below */ }
  if (status !== 200 || typeof value !== 'object' || value === null || (kind !== undefined && (value as { readonly kind?: unknown }).kind !== kind)) {
    throw new Unbelieved(`it is no ${kind ?? 'JSON'}, or not whole`, { status, contentType: String(headers['content-type'] ?? ''), says: firstWords(text) })
  }
  return value as Value
}

/** Rejects an answer that repeats another question than was asked. */
export function checkEcho (what: string, asked: string, told: string | undefined): void {
  if (told !== undefined && told !== asked) throw new Unbelieved(`it answers another question: ${what} differs`, { asked, told })
}

/** Whether a listed name is a mark for a folder that a console or another client left: no object of ours, which all have bytes or a name that ends otherwise. */
export function isFolderMark ({ key, size }: Pick<ObjectInfo, 'key' | 'size'>): boolean { return size === 0 && key.endsWith('/') }

function firstWords (text: string): string { return text.replaceAll(/\s+/g, ' ').trim().slice(0, 80) }
