// What services, and what stands between, were seen or can be feared to answer; and what each call must make of it. Data: the tests of the four
// plugins hold them to it, and `docs/odd-answers.md` is written from it.
import { gzipSync } from 'node:zlib'
import type { ErrorCode } from '@streambed/sdk'
import type { Answer, Odd } from './front.ts'
import { refusalFor, text, type Cloud, type Reason, type Words } from './words.ts'

/** What is asked: of an object, of one that is missing, of a range, of the listing, of one page of it; and writes. */
export type Asked = 'whole' | 'range' | 'head' | 'missing' | 'list' | 'page' | 'put' | 'create' | 'delete' | 'part' | 'complete'
/** `right`: the truth, all of it. */
export type Outcome = 'right' | ErrorCode
/** Where services differ, each its own; a service that is not named has no such answer. */
export type Outcomes = Readonly<Partial<Record<Asked, Outcome | Readonly<Partial<Record<Cloud, Outcome>>>>>>

export interface OddAnswer {
  readonly name: string
  readonly outcomes: Outcomes
  /** What comes in the place of the true answer; `object`: the bytes of what was asked for, where they are known. */
  readonly make: (answer: Answer, words: Words, cloud: Cloud, object: Buffer) => Odd
}

export const rangeAsked = { start: 100, end: 300 }

/** Nobody's word on anything: reads are asked again; of writes the object itself tells, where the key was to be free. */
const nothingSaid: Outcomes = {
  whole: 'UNAVAILABLE', range: 'UNAVAILABLE', head: 'UNAVAILABLE', missing: 'UNAVAILABLE', list: 'UNAVAILABLE', page: 'UNAVAILABLE', put: 'OUTCOME_UNKNOWN', create: 'right',
  delete: 'UNAVAILABLE', part: 'UNAVAILABLE', complete: 'right'
}
const bytesOnly: Outcomes = { whole: 'UNAVAILABLE', range: 'UNAVAILABLE', list: 'UNAVAILABLE' }
/** S3's kin without headers of their own say in another answer that an object is missing, and are asked for it. */
const strangersMissing: Outcomes = { ...nothingSaid, missing: { s3: 'NOT_FOUND', azure: 'UNAVAILABLE', gcs: 'UNAVAILABLE', oss: 'UNAVAILABLE' } }

const html = { 'content-type': 'text/html', server: 'nginx' }
const signIn = '<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in to use this network.</body></html>'
const page = (status: number, headers: Readonly<Record<string, string>> = {}): OddAnswer['make'] => () => ({ kind: 'answer', answer: text(status, { ...html, ...headers }, signIn) })
const bare = (status: number): OddAnswer['make'] => () => ({ kind: 'answer', answer: { status, headers: status === 204 || status === 304 ? {} : { 'content-length': '0' }, body: Buffer.alloc(0) } })
const said = (reason: Reason): OddAnswer['make'] => (_, words) => ({ kind: 'answer', answer: refusalFor(words, reason) })
const raw = (bytes: string): OddAnswer['make'] => () => ({ kind: 'raw', bytes: Buffer.from(bytes) })

/** The true answer with other headers, another body or status; its length as it then is. */
const changed = (change: (answer: Answer, words: Words, cloud: Cloud, object: Buffer) => Partial<Answer>): OddAnswer['make'] => (answer, words, cloud, object) => {
  const { body = answer.body, headers = answer.headers, status = answer.status } = change(answer, words, cloud, object)
  const isResized = body.length !== answer.body.length && 'content-length' in headers
  return { kind: 'answer', answer: { status, body, headers: isResized ? { ...headers, 'content-length': String(body.length) } : headers } }
}
const without = (headers: Answer['headers'], ...names: readonly RegExp[]): Answer['headers'] => Object.fromEntries(Object.entries(headers).filter(([name]) => !names.some(pattern => pattern.test(name))))
const flipped = (body: Buffer): Buffer => {
  const copy = Buffer.from(body)
  copy[copy.length >> 1]! ^= 1
  return copy
}
/** A range of an object: where it begins, its size, and that of the object. */
interface Ranged { readonly at: number, readonly size: number, readonly of: number }
/** 206 that says one thing, or nothing, and gives another. Ranges go as far as the object does. */
const ranged = (told: ((range: Ranged) => string) | undefined, given: (range: Ranged) => readonly [start: number, end: number]): OddAnswer['make'] => changed(({ body, headers }, _, __, object) => {
  const range = { at: Number(/^bytes (\d+)/.exec(headers['content-range'] ?? '')?.[1] ?? 0), size: body.length, of: object.length }
  const bytes = object.subarray(...given(range))
  return { status: 206, body: bytes, headers: { ...without(headers, /^content-range$/), ...told === undefined ? {} : { 'content-range': told(range) }, 'content-length': String(bytes.length) } }
})
const bytesOf = (start: number, end: number, of: number | '*'): string => `bytes ${start}-${end - 1}/${of}`
const half = ({ size }: Ranged): number => size >> 1
/** Its beginning moved by half of its size: on, or where that is past the end, back. */
const elsewhere = ({ at, of, size }: Ranged): number => at + (size >> 1) + size <= of ? at + (size >> 1) : Math.max(0, at - (size >> 1) - 1)
const asAsked = ({ at, size }: Ranged): readonly [number, number] => [at, at + size]
const edited = (edit: (body: string, cloud: Cloud) => string): OddAnswer['make'] => changed(({ body }, _, cloud) => ({ body: Buffer.from(edit(body.toString('latin1'), cloud), 'latin1') }))

/** The object that calls ask for: it does not compress, and repeats nothing. */
export const objectBytes = Buffer.from(Array.from({ length: 1000 }, (_, at) => (at * 167 + (at >> 8) * 31) & 255))
/** The names of the listing, below the prefix, in order. */
export const names = ['a', 'b', 'c/d']

/** One listed object, by cloud: its element or member. */
const entry: Readonly<Record<Cloud, RegExp>> = { s3: /<Contents>.*?<\/Contents>/g, oss: /<Contents>.*?<\/Contents>/g, azure: /<Blob>.*?<\/Blob>/g, gcs: /\{"kind":"storage#object".*?"crc32c":"[^"]*"\}/g }
const separator = (cloud: Cloud): string => cloud === 'gcs' ? ',' : ''
const entriesOf = (body: string, cloud: Cloud): readonly string[] => body.match(entry[cloud]) ?? []
const withEntries = (change: (entries: readonly string[], cloud: Cloud) => readonly string[]): OddAnswer['make'] => edited((body, cloud) => {
  const entries = entriesOf(body, cloud)
  return body.replace(entries.join(separator(cloud)), change(entries, cloud).join(separator(cloud)))
})
const listed: Outcomes = { list: 'UNAVAILABLE', page: 'UNAVAILABLE' }
const renamed = (entries: string, from: string, to: string): string => entries.replaceAll(from, to)
/** The last of the entries under a name that follows its own; none of none. */
const following = (entries: readonly string[], ending: string): readonly string[] => entries.slice(-1).map(each => each.replace(/(<Key>|<Name>|"name":")([^<"]*)/, `$1$2${ending}`))

export const oddAnswers: readonly OddAnswer[] = [
  // Of somebody else: a status and a page.
  ...[200, 201, 202, 206].map(status => ({ name: `a page of HTML with status ${status}`, outcomes: nothingSaid, make: page(status) })),
  { name: 'a page of HTML with status 404', outcomes: strangersMissing, make: page(404) },
  ...[400, 401, 403, 405, 407, 409, 410, 411, 412, 413, 414, 416, 429, 451, 500, 501, 502, 503, 504, 507, 511].map(status => ({ name: `a page of HTML with status ${status}`, outcomes: nothingSaid, make: page(status) })),
  ...[301, 302, 303, 307, 308].map(status => ({ name: `a redirect elsewhere, ${status}`, outcomes: nothingSaid, make: page(status, { location: 'http://login.example/' }) })),
  { name: 'a page of HTML, with a tag, a time and a length as a file server gives', outcomes: nothingSaid, make: page(200, { etag: '"5f1-abc"', 'last-modified': 'Tue, 24 Nov 2026 00:00:00 GMT' }) },
  // Of somebody else: nothing, or another language.
  ...[200, 202, 204, 304, 400, 403, 412, 500, 503].map(status => ({ name: `status ${status} and nothing else`, outcomes: nothingSaid, make: bare(status) })),
  { name: 'status 404 and nothing else', outcomes: strangersMissing, make: bare(404) },
  { name: '200 with the service\'s own headers, and no body', outcomes: nothingSaid, make: (_, { own }) => ({ kind: 'answer', answer: text(200, own, '') }) },
  { name: '204 with the service\'s own headers', outcomes: nothingSaid, make: (_, { own }) => ({ kind: 'answer', answer: { status: 204, headers: own, body: Buffer.alloc(0) } }) },
  { name: '200 and `{}`', outcomes: nothingSaid, make: () => ({ kind: 'answer', answer: text(200, { 'content-type': 'application/json' }, '{}') }) },
  { name: '200 and `OK`', outcomes: nothingSaid, make: () => ({ kind: 'answer', answer: text(200, { 'content-type': 'text/plain' }, 'OK') }) },
  { name: '404 of a gateway, in JSON', outcomes: strangersMissing, make: () => ({ kind: 'answer', answer: text(404, { 'content-type': 'application/json' }, '{"message":"no Route matched with those values"}') }) },
  { name: '404 of another service, in XML', outcomes: strangersMissing, make: () => ({ kind: 'answer', answer: text(404, { 'content-type': 'application/xml' }, '<?xml version="1.0"?><error><status>404</status></error>') }) },
  {
    name: "the service's 404, cut off", outcomes: { whole: 'UNAVAILABLE', range: 'UNAVAILABLE' },
    make: (_, words) => {
      const { body, headers, status } = refusalFor(words, 'missing')
      return { kind: 'answer', answer: text(status, without(headers, /error-code|oss-err/), body.toString().slice(0, body.length >> 1)) }
    }
  },
  // Of the service: believed.
  {
    name: "the service's 404 for an object", outcomes: { whole: 'NOT_FOUND', range: 'NOT_FOUND', head: 'NOT_FOUND' }, make: said('missing')
  },
  { name: "the service's 404 for the bucket", outcomes: { whole: 'MISCONFIGURED', list: 'MISCONFIGURED', put: 'MISCONFIGURED' }, make: said('noBucket') },
  { name: "the service's 403", outcomes: { whole: 'PERMISSION_DENIED', range: 'PERMISSION_DENIED', head: 'PERMISSION_DENIED', list: 'PERMISSION_DENIED', put: 'PERMISSION_DENIED', create: 'PERMISSION_DENIED', delete: 'PERMISSION_DENIED' }, make: said('denied') },
  { name: 'the service asks to slow down', outcomes: { whole: 'THROTTLED', range: 'THROTTLED', head: 'THROTTLED', list: 'THROTTLED', put: 'THROTTLED', create: 'THROTTLED', delete: 'THROTTLED' }, make: said('throttled') },
  { name: "the service's 500", outcomes: nothingSaid, make: said('broken') },
  { name: "the service's 400, for a reason that nobody knows", outcomes: nothingSaid, make: said('unheard') },
  { name: 'the service says that bytes changed on their way to it', outcomes: { put: 'UNAVAILABLE', create: 'UNAVAILABLE', part: 'UNAVAILABLE' }, make: said('altered') },
  { name: '400 with the service\'s own headers, and no reason', outcomes: nothingSaid, make: (_, { own }) => ({ kind: 'answer', answer: text(400, own, '') }) },
  ...(['whole', 'list', 'put'] as const).map(asked => ({
    name: `the bucket is set to Requester Pays (${asked})`, outcomes: { [asked]: { s3: 'MISCONFIGURED', gcs: 'MISCONFIGURED', oss: 'MISCONFIGURED' } } as Outcomes, make: said('pays')
  })),
  { name: 'the bucket is in another region', outcomes: { whole: { s3: 'MISCONFIGURED', oss: 'MISCONFIGURED' }, head: { s3: 'MISCONFIGURED', oss: 'MISCONFIGURED' }, put: { s3: 'MISCONFIGURED', oss: 'MISCONFIGURED' } }, make: said('elsewhere') },

  // Ranges.
  { name: '200 with the whole object for a range', outcomes: { range: 'right' }, make: changed(({ headers }, _, __, object) => ({ status: 200, body: object, headers: without(headers, /^content-range$/) })) },
  { name: '200 with the whole object for a range, a bit of it changed', outcomes: { range: 'UNAVAILABLE' }, make: changed(({ headers }, _, __, object) => ({ status: 200, body: flipped(object), headers: without(headers, /^content-range$/) })) },
  { name: '200 with the whole object for a range, without any checksum', outcomes: { range: 'UNAVAILABLE' }, make: changed(({ headers }, { sums }, _, object) => ({ status: 200, body: object, headers: without(headers, /^content-range$|^etag$|^content-md5$/, sums) })) },
  { name: '200 with nothing but the range', outcomes: { range: 'UNAVAILABLE' }, make: changed(({ headers }) => ({ status: 200, headers: without(headers, /^content-range$/) })) },
  { name: '204 for a range', outcomes: { range: 'UNAVAILABLE' }, make: changed(({ headers }) => ({ status: 204, body: Buffer.alloc(0), headers: without(headers, /^content-/) })) },
  { name: '206 of another range', outcomes: { range: 'UNAVAILABLE' }, make: ranged(range => bytesOf(elsewhere(range) + 1, elsewhere(range) + range.size, range.of), range => [elsewhere(range) + 1, elsewhere(range) + range.size]) },
  { name: '206 that says another range, and gives the one that was asked for', outcomes: { range: 'UNAVAILABLE' }, make: ranged(range => bytesOf(range.at + 1, range.at + range.size + 1, range.of), asAsked) },
  { name: '206 of a shorter range', outcomes: { range: 'UNAVAILABLE' }, make: ranged(range => bytesOf(range.at, range.at + half(range), range.of), range => [range.at, range.at + half(range)]) },
  { name: '206 of a longer range', outcomes: { range: 'UNAVAILABLE' }, make: ranged(({ at, of, size }) => bytesOf(Math.max(0, at - size), at + 2 * size, of), ({ at, size }) => [Math.max(0, at - size), at + 2 * size]) },
  { name: '206 with fewer bytes than it says', outcomes: { range: 'UNAVAILABLE' }, make: ranged(({ at, of, size }) => bytesOf(at, at + size, of), range => [range.at, range.at + half(range)]) },
  { name: '206 with more bytes than it says', outcomes: { range: 'UNAVAILABLE' }, make: changed(({ body }) => ({ body: Buffer.concat([body, body]) })) },
  { name: '206 that does not say of what', outcomes: { range: 'UNAVAILABLE' }, make: ranged(undefined, asAsked) },
  { name: '206 that does not say of how much', outcomes: { range: 'right' }, make: ranged(({ at, size }) => bytesOf(at, at + size, '*'), asAsked) },
  { name: '206 of a shorter range that does not say of how much', outcomes: { range: 'UNAVAILABLE' }, make: ranged(range => bytesOf(range.at, range.at + half(range), '*'), range => [range.at, range.at + half(range)]) },
  { name: '206 in other units', outcomes: { range: 'UNAVAILABLE' }, make: ranged(({ at, of, size }) => `items ${at}-${at + size - 1}/${of}`, asAsked) },
  { name: '206 in parts of its own (multipart/byteranges)', outcomes: { range: 'UNAVAILABLE' }, make: changed(({ headers }) => ({ body: Buffer.from('--x\r\ncontent-range: bytes 100-299/1000\r\n\r\n--x--\r\n'), headers: { ...without(headers, /^content-range$/), 'content-type': 'multipart/byteranges; boundary=x' } })) },
  { name: '206 without a header of the service', outcomes: { range: 'UNAVAILABLE' }, make: changed(({ headers }) => ({ headers: without(headers, /^x-/) })) },

  // Whole objects.
  { name: '206 with half of the object, which was asked for whole', outcomes: { whole: 'UNAVAILABLE' }, make: ranged(range => bytesOf(0, half(range), range.of), range => [0, half(range)]) },
  { name: 'the object without the checksum that is kept beside it', outcomes: { whole: { s3: 'right', azure: 'right', gcs: 'UNAVAILABLE', oss: 'right' } }, make: changed(({ headers }, { sums }) => ({ headers: without(headers, sums) })) },
  { name: 'the object without that checksum, a bit of it changed', outcomes: { whole: 'UNAVAILABLE' }, make: changed(({ body, headers }, { sums }) => ({ body: flipped(body), headers: without(headers, sums) })) },
  { name: 'the object without any checksum', outcomes: { whole: 'UNAVAILABLE' }, make: changed(({ headers }, { sums }) => ({ headers: without(headers, sums, /^etag$|^content-md5$/) })) },
  { name: 'the object without a header of the service', outcomes: { whole: 'UNAVAILABLE' }, make: changed(({ headers }) => ({ headers: without(headers, /^x-/) })) },
  { name: 'the object, a bit of it changed', outcomes: { whole: 'CORRUPT' }, make: changed(({ body }) => ({ body: flipped(body) })) },
  { name: 'a part of the object, told as the whole', outcomes: { whole: 'CORRUPT' }, make: changed(({ body }) => ({ body: body.subarray(0, 700) })) },
  { name: 'the object and more, told as the whole', outcomes: { whole: 'CORRUPT' }, make: changed(({ body }) => ({ body: Buffer.concat([body, body]) })) },
  { name: 'the object, compressed', outcomes: { whole: 'UNAVAILABLE', range: 'UNAVAILABLE' }, make: changed(({ body, headers }) => ({ body: gzipSync(body), headers: { ...headers, 'content-encoding': 'gzip' } })) },
  { name: 'the object without its length, in chunks', outcomes: { whole: { s3: 'right', azure: 'UNAVAILABLE', gcs: 'right', oss: 'right' } }, make: changed(({ headers }) => ({ headers: without(headers, /^content-length$/) })) },
  { name: 'an answer of a terabyte', outcomes: { whole: 'UNAVAILABLE', range: 'UNAVAILABLE' }, make: answer => ({ kind: 'cut', answer: { ...answer, headers: { ...answer.headers, 'content-length': String(10 ** 12) } }, after: 1000, isReset: false }) },

  // What is told of an object.
  { name: 'no size', outcomes: { head: 'UNAVAILABLE' }, make: changed(({ body, headers }, _, cloud) => cloud === 'gcs' ? { body: Buffer.from(body.toString().replace(/"size":"\d+",/, '')) } : { headers: without(headers, /^content-length$/) }) },
  { name: 'no version', outcomes: { head: 'UNAVAILABLE', put: 'OUTCOME_UNKNOWN', create: 'right', part: 'UNAVAILABLE' }, make: changed(({ body, headers }, { versions }) => ({ body: Buffer.from(body.toString().replace(/"generation":"\d+",/, '')), headers: without(headers, versions, /^etag$/) })) },
  { name: 'no time', outcomes: { head: 'UNAVAILABLE' }, make: changed(({ body, headers }, { times }) => ({ body: Buffer.from(body.toString().replace(/"timeCreated":"[^"]+",/, '')), headers: without(headers, times) })) },
  { name: 'another object than was asked for', outcomes: { head: { gcs: 'UNAVAILABLE' }, put: { gcs: 'OUTCOME_UNKNOWN' }, create: { gcs: 'right' } }, make: edited(body => body.replace(/"name":"[^"]+"/, '"name":"pre/other"')) },
  { name: 'an object of another size than was sent', outcomes: { put: { gcs: 'OUTCOME_UNKNOWN' }, create: { gcs: 'right' } }, make: edited(body => body.replace(/"size":"\d+"/, '"size":"1"')) },

  // Listings.
  { name: 'half of a listing', outcomes: listed, make: edited(body => body.slice(0, body.length >> 1)) },
  { name: 'a listing that ends after an object', outcomes: listed, make: edited((body, cloud) => body.slice(0, body.lastIndexOf(entriesOf(body, cloud).at(-1) ?? '<'))) },
  { name: 'a listing without its last character', outcomes: listed, make: edited(body => body.trimEnd().slice(0, -1)) },
  { name: 'a listing with a page of HTML behind it', outcomes: listed, make: edited(body => body + signIn) },
  { name: 'an empty listing of another prefix', outcomes: { list: { s3: 'UNAVAILABLE', azure: 'UNAVAILABLE', oss: 'UNAVAILABLE' } }, make: (answer, words, cloud, object) => withEntries(() => [])({ ...answer, body: Buffer.from(renamed(answer.body.toString(), '<Prefix>pre/', '<Prefix>other/')) }, words, cloud, object) },
  { name: 'names below another prefix', outcomes: listed, make: withEntries(entries => entries.map(each => renamed(each, 'pre/', 'qre/'))) },
  { name: 'names out of order', outcomes: { list: 'UNAVAILABLE', page: { s3: 'UNAVAILABLE', azure: 'right', gcs: 'UNAVAILABLE', oss: 'UNAVAILABLE' } }, make: withEntries(entries => entries.toReversed()) },
  { name: 'a name twice', outcomes: { list: 'UNAVAILABLE' }, make: withEntries(entries => [...entries.slice(0, 1), ...entries]) },
  { name: 'more names than were asked for', outcomes: { page: { s3: 'UNAVAILABLE', gcs: 'UNAVAILABLE', oss: 'UNAVAILABLE' } }, make: withEntries(entries => [...entries, ...following(entries, 'z')]) },
  { name: 'nothing, and that more follows', outcomes: listed, make: (answer, words, cloud, object) => edited(body => body.replace('<IsTruncated>false', '<IsTruncated>true').replace('<NextMarker/>', '<NextMarker>Zm9v</NextMarker>').replace(/\}$/, ',"nextPageToken":"Zm9v"}'))(
    (withEntries(() => [])(answer, words, cloud, object) as Extract<Odd, { kind: 'answer' }>).answer, words, cloud, object) },
  { name: 'not whether more follows', outcomes: { list: { s3: 'UNAVAILABLE', oss: 'UNAVAILABLE' } }, make: edited(body => body.replace(/<IsTruncated>\w+<\/IsTruncated>/, '')) },
  { name: 'an object without a size', outcomes: listed, make: edited(body => body.replace(/<Size>\d+<\/Size>|<Content-Length>\d+<\/Content-Length>|"size":"\d+",/, '')) },
  { name: 'an object of less than nothing', outcomes: listed, make: edited(body => body.replace(/<(Size|Content-Length)>\d+/, '<$1>-1').replace(/"size":"\d+"/, '"size":"-1"')) },
  { name: 'an object without a version', outcomes: listed, make: edited(body => body.replace(/<E[Tt]ag>[^<]+<\/E[Tt]ag>|"generation":"\d+",/, '')) },
  { name: 'an object without a time', outcomes: listed, make: edited(body => body.replace(/<LastModified>[^<]+<\/LastModified>|<Last-Modified>[^<]+<\/Last-Modified>|"timeCreated":"[^"]+",/, '')) },
  { name: 'marks of folders among the objects', outcomes: { list: 'right' }, make: withEntries(entries => [...entries, ...following(entries, '/').map(each => each.replace(/<(Size|Content-Length)>\d+/, '<$1>0').replace(/"size":"\d+"/, '"size":"0"'))]) },
  { name: "the service's error, with status 200", outcomes: { list: 'UNAVAILABLE', delete: 'UNAVAILABLE', complete: 'right' }, make: (_, words) => ({ kind: 'answer', answer: { ...refusalFor(words, 'broken'), status: 200 } }) },

  // Deletions.
  { name: 'half of the answer', outcomes: { delete: 'UNAVAILABLE', complete: 'right' }, make: edited(body => body.slice(0, body.length >> 1)) },
  { name: 'nothing of one of the objects', outcomes: { delete: 'UNAVAILABLE' }, make: edited((body, cloud) => cloud === 's3' || cloud === 'oss' ? body.replace(/<Deleted>.*?<\/Deleted>/, '') : body.replace(/--batch\w*\r\n[^]*?(?=--batch)/, '')) },
  { name: 'that other objects were deleted', outcomes: { delete: 'UNAVAILABLE' }, make: edited((body, cloud) => cloud === 's3' || cloud === 'oss' ? body.replaceAll('<Key>pre/', '<Key>other/') : body.replaceAll(/(content-id: <?(?:response-)?)\d/gi, '$17')) },

  // Time, and the connection.
  { name: 'no answer', outcomes: { ...nothingSaid, whole: 'TIMEOUT', range: 'TIMEOUT', head: 'TIMEOUT', missing: 'TIMEOUT', list: 'TIMEOUT', page: 'TIMEOUT', delete: 'TIMEOUT', part: 'TIMEOUT' }, make: answer => ({ kind: 'stall', answer, after: undefined }) },
  { name: 'headers, and then nothing', outcomes: { whole: 'TIMEOUT', range: 'TIMEOUT', list: 'TIMEOUT' }, make: answer => ({ kind: 'stall', answer, after: 0 }) },
  { name: 'a half, and then nothing', outcomes: { whole: 'TIMEOUT', range: 'TIMEOUT', list: 'TIMEOUT' }, make: answer => ({ kind: 'stall', answer, after: answer.body.length >> 1 }) },
  { name: 'a half, and the end of the connection', outcomes: bytesOnly, make: answer => ({ kind: 'cut', answer, after: answer.body.length >> 1, isReset: false }) },
  { name: 'a half, and a reset', outcomes: bytesOnly, make: answer => ({ kind: 'cut', answer, after: answer.body.length >> 1, isReset: true }) },
  { name: 'a half in chunks, and the end of the connection', outcomes: bytesOnly, make: answer => ({ kind: 'cut', answer: { ...answer, headers: without(answer.headers, /^content-length$/) }, after: answer.body.length >> 1, isReset: false }) },
  { name: 'the end of the connection', outcomes: nothingSaid, make: raw('') },
  { name: 'what is not HTTP', outcomes: nothingSaid, make: raw('SSH-2.0-OpenSSH_9.6\r\n') },
  { name: 'a status, and no more of HTTP', outcomes: nothingSaid, make: raw('HTTP/1.1 200 OK\r\n') },
  { name: 'two lengths', outcomes: nothingSaid, make: raw('HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx') },
  { name: 'headers without end', outcomes: nothingSaid, make: raw(`HTTP/1.1 200 OK\r\nx-filler: ${'x'.repeat(100_000)}\r\n\r\n`) }
]
