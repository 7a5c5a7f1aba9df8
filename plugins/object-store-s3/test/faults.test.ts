import { nodeEnvironment } from '@streambed/sdk/node'
import { headerWire, remoteFaultTests } from '../../../conformance/test/remote-faults.ts'
import plugin from '../src/index.ts'
import { optionsSchema } from '../src/options.ts'

remoteFaultTests({
  name: 'object-store-s3',
  wire: headerWire('x-amz-meta-'),
  open: async endpoint => await plugin.open(optionsSchema.parse({ bucket: 'faults', endpoint, pathStyle: true, accessKeyId: 'a', secretAccessKey: 'b', requestTimeout: 300 }), nodeEnvironment()),
  errorBody: code => `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>no</Message><RequestId>1</RequestId></Error>`,
  answers: [
    { status: 404, code: 'NoSuchKey', becomes: 'NOT_FOUND' },
    { status: 404, code: 'NoSuchBucket', becomes: 'MISCONFIGURED' },
    { status: 412, code: 'PreconditionFailed', becomes: 'ALREADY_EXISTS' },
    { status: 403, code: 'AccessDenied', becomes: 'PERMISSION_DENIED' },
    { status: 403, code: 'SignatureDoesNotMatch', becomes: 'PERMISSION_DENIED' },
    { status: 400, code: 'ExpiredToken', becomes: 'UNAVAILABLE' },
    { status: 416, code: 'InvalidRange', becomes: 'OUT_OF_RANGE' },
    { status: 503, code: 'SlowDown', becomes: 'THROTTLED' },
    { status: 500, code: 'InternalError', becomes: 'UNAVAILABLE' },
    { status: 400, code: 'RequestTimeout', becomes: 'UNAVAILABLE' },
    { status: 400, code: 'XAmzContentChecksumMismatch', becomes: 'UNAVAILABLE' },
    { status: 400, code: 'XAmzContentSHA256Mismatch', becomes: 'UNAVAILABLE' },
    { status: 405, code: 'MethodNotAllowed', becomes: 'UNAVAILABLE' },
    { status: 418, code: 'SomethingNew', becomes: 'UNAVAILABLE' }
  ]
})
