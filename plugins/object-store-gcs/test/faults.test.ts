import { nodeEnvironment } from '@streambed/sdk/node'
import { remoteFaultTests } from '../../../conformance/test/remote-faults.ts'
import plugin from '../src/index.ts'
import { base64Of } from '../src/object-metadata.ts'
import { optionsSchema } from '../src/options.ts'

const reasonByCode: Readonly<Record<string, string>> = { 'bucket does not exist': 'notFound', 'Provided CRC32C': 'invalid' }

remoteFaultTests({
  name: 'object-store-gcs',
  open: async endpoint => await plugin.open(optionsSchema.parse({ bucket: 'faults', endpoint, credentials: 'none', requestTimeout: 300 }), nodeEnvironment()),
  wire: {
    isHead: request => request.method === 'GET' && !request.url!.includes('alt=media'),
    ownerIn: (_, body) => /"streambedowner":"([^"]+)"/.exec(body.toString('latin1'))![1]!,
    answerHead: (response, owner, body) => { response.writeHead(200).end(JSON.stringify({ name: 'a', size: String(body.length), generation: 'tag', timeCreated: '2026-11-24T00:00:00.000Z', metadata: { streambedowner: owner } })) },
    bodyHeaders: body => ({ 'x-goog-hash': `crc32c=${base64Of(nodeEnvironment().crc32c(body))},md5=1B2M2Y8AsgTpgAmY7PhCfg==`, 'content-length': String(body.length) })
  },
  errorBody: code => JSON.stringify({ error: { code: 0, message: code, errors: [{ reason: reasonByCode[code] ?? code }] } }),
  answers: [
    { status: 404, code: 'notFound', becomes: 'NOT_FOUND' },
    { status: 404, code: 'bucket does not exist', becomes: 'MISCONFIGURED' },
    { status: 412, code: 'conditionNotMet', becomes: 'ALREADY_EXISTS' },
    { status: 403, code: 'forbidden', becomes: 'PERMISSION_DENIED' },
    { status: 401, code: 'authError', becomes: 'PERMISSION_DENIED' },
    { status: 403, code: 'retentionPolicyNotMet', becomes: 'MISCONFIGURED' },
    { status: 403, code: 'userRateLimitExceeded', becomes: 'THROTTLED' },
    { status: 429, code: 'rateLimitExceeded', becomes: 'THROTTLED' },
    { status: 416, code: 'requestedRangeNotSatisfiable', becomes: 'OUT_OF_RANGE' },
    { status: 400, code: 'Provided CRC32C', becomes: 'UNAVAILABLE' },
    { status: 400, code: 'invalid', becomes: 'UNAVAILABLE' },
    { status: 500, code: 'backendError', becomes: 'UNAVAILABLE' },
    { status: 503, code: 'backendError', becomes: 'UNAVAILABLE' },
    { status: 418, code: 'somethingNew', becomes: 'UNAVAILABLE' },
    { status: 502, code: 'somethingNew', becomes: 'UNAVAILABLE' }
  ]
})
