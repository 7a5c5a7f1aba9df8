// A front that speaks Alibaba Cloud OSS to a gateway of Ceph that speaks S3, since no server that speaks OSS can be had: it checks signatures of version 4
// by Alibaba Cloud's own signer, signs anew for S3 (version 2), and translates headers and errors. Objects, conditions, listings and checksums are
// Ceph's. Its limits: no condition on completing uploads in parts, which Ceph 16 ignores; no CRC-64; ranges as S3 has them, past the
// end too; retention and redundancy are answered by the front. Arguments: its port, the gateway's.
import { createHmac } from 'node:crypto'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import { errorXml, receivedOf, signatureProblem, type Received } from '../../plugins/object-store-oss/test/received.ts'

const keys = { accessKeyId: 'test', accessKeySecret: 'testsecret' }
const [port, gatewayPort] = process.argv.slice(2).map(Number) as [number, number]
const agent = new http.Agent({ keepAlive: true })
/** Parameters that S3's signature covers. */
const subresources = new Set(['delete', 'lifecycle', 'partNumber', 'uploadId', 'uploads', 'versioning'])
const ownAnswers: Readonly<Record<string, { readonly status: number, readonly xml: string }>> = {
  bucketInfo: { status: 200, xml: '<BucketInfo><Bucket><DataRedundancyType>LRS</DataRedundancyType></Bucket></BucketInfo>' },
  worm: { status: 404, xml: errorXml('NoSuchWORMConfiguration') },
  objectWorm: { status: 404, xml: errorXml('NoSuchObjectWormConfiguration') }
}

http.createServer((request, response) => {
  void take(request, response).catch(() => { response.destroy() })
}).listen(port, '127.0.0.1')

async function take (request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = Buffer.concat(await request.toArray() as Buffer[])
  response.setHeader('x-oss-request-id', '5CAC0342B7AEADE017000001')
  const received = receivedOf(request)
  const problem = signatureProblem(received, { ...keys, region: 'cn-hangzhou', nowMs: Date.now() })
  if (problem !== undefined) { response.writeHead(403).end(errorXml(problem)); return }
  const own = received.name === '' ? ownAnswers[Object.keys(received.query)[0] ?? ''] : undefined
  if (own !== undefined) { response.writeHead(own.status).end(own.xml); return }
  const isNewBucket = received.method === 'PUT' && received.name === ''
  const answer = await ask(received, request.url!, isNewBucket ? Buffer.alloc(0) : body)
  const bytes = Buffer.concat(await answer.toArray() as Buffer[])
  const headers = Object.fromEntries(Object.entries(answer.headers).filter(([name]) => name !== 'connection' && name !== 'transfer-encoding').map(([name, value]) => [name.replace('x-amz-meta-', 'x-oss-meta-'), value]))
  if (answer.statusCode === 412) {
    const xml = errorXml('FileAlreadyExists')
    response.writeHead(409, { 'content-length': Buffer.byteLength(xml) }).end(xml)
  } else {
    response.writeHead(answer.statusCode!, received.method === 'HEAD' ? headers : { ...headers, 'content-length': bytes.length }).end(bytes)
  }
}

function ask ({ headers: given, method, query }: Received, url: string, body: Buffer): Promise<IncomingMessage> {
  const metadata = Object.entries(given).filter(([name]) => name.startsWith('x-oss-meta-')).map(([name, value]) => [name.replace('x-oss-meta-', 'x-amz-meta-'), value])
  const amz = [...metadata, ['x-amz-date', new Date().toUTCString()]].sort(([left], [right]) => left! < right! ? -1 : 1) as [string, string][]
  const [path] = url.split('?') as [string]
  const covered = Object.keys(query).filter(name => subresources.has(name)).sort().map(name => query[name] === '' ? name : `${name}=${query[name]}`).join('&')
  const toSign = [method, given['content-md5'] ?? '', given['content-type'] ?? '', '', ...amz.map(([name, value]) => `${name}:${value}`), `${path}${covered === '' ? '' : `?${covered}`}`].join('\n')
  const headers = {
    ...Object.fromEntries(amz),
    ...Object.fromEntries(['content-md5', 'content-type', 'range'].flatMap(name => given[name] === undefined ? [] : [[name, given[name]]])),
    ...given['x-oss-forbid-overwrite'] === 'true' ? { 'if-none-match': '*' } : {},
    'content-length': String(body.length),
    authorization: `AWS ${keys.accessKeyId}:${createHmac('sha1', keys.accessKeySecret).update(toSign).digest('base64')}`
  }
  return new Promise((resolve, reject) => {
    http.request({ host: '127.0.0.1', port: gatewayPort, method, path: url, headers, agent }, resolve).on('error', reject).end(body)
  })
}
