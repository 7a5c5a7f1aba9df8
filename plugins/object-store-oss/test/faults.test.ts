import { nodeEnvironment } from '@streambed/sdk/node'
import { headerWire, remoteFaultTests } from '../../../conformance/test/remote-faults.ts'
import plugin from '../src/index.ts'
import { optionsSchema } from '../src/options.ts'
import { errorXml } from './received.ts'

const otherRegion = 'The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.'

remoteFaultTests({
  name: 'object-store-oss',
  wire: headerWire('x-oss-meta-'),
  open: async endpoint => await plugin.open(optionsSchema.parse({ bucket: 'faults', region: 'cn-hangzhou', endpoint, pathStyle: true, accessKeyId: 'a', accessKeySecret: 'b', requestTimeout: 300 }), nodeEnvironment()),
  aside: (request, response) => {
    if (!request.url!.endsWith('?versioning')) return false
    response.end('<VersioningConfiguration/>')
    return true
  },
  errorBody: code => code === 'elsewhere' ? errorXml('AccessDenied', otherRegion, '<Endpoint>oss-cn-beijing.aliyuncs.com</Endpoint>') : errorXml(code),
  answers: [
    { status: 404, code: 'NoSuchKey', becomes: 'NOT_FOUND' },
    { status: 404, code: 'NoSuchBucket', becomes: 'MISCONFIGURED' },
    { status: 409, code: 'FileAlreadyExists', becomes: 'ALREADY_EXISTS' },
    { status: 409, code: 'FileImmutable', becomes: 'MISCONFIGURED' },
    { status: 403, code: 'AccessDenied', becomes: 'PERMISSION_DENIED' },
    { status: 403, code: 'elsewhere', becomes: 'MISCONFIGURED' },
    { status: 403, code: 'SignatureDoesNotMatch', becomes: 'PERMISSION_DENIED' },
    { status: 403, code: 'SecurityTokenExpired', becomes: 'UNAVAILABLE' },
    { status: 403, code: 'InvalidObjectState', becomes: 'MISCONFIGURED' },
    { status: 400, code: 'InvalidDigest', becomes: 'UNAVAILABLE' },
    { status: 416, code: 'InvalidRange', becomes: 'OUT_OF_RANGE' },
    { status: 503, code: 'QpsLimitExceeded', becomes: 'THROTTLED' },
    { status: 503, code: 'UploadTrafficRateLimitExceeded', becomes: 'THROTTLED' },
    { status: 500, code: 'InternalError', becomes: 'UNAVAILABLE' },
    { status: 400, code: 'RequestTimeout', becomes: 'UNAVAILABLE' },
    { status: 400, code: 'SomethingNew', becomes: 'UNAVAILABLE' },
    { status: 418, code: 'SomethingNew', becomes: 'UNAVAILABLE' },
    { status: 502, code: 'SomethingNew', becomes: 'UNAVAILABLE' }
  ]
})
