import { nodeEnvironment } from '@streambed/sdk/node'
import { headerWire, remoteFaultTests } from '../../../conformance/test/remote-faults.ts'
import plugin from '../src/index.ts'
import { optionsSchema } from '../src/options.ts'

remoteFaultTests({
  name: 'object-store-azure-blob',
  wire: headerWire('x-ms-meta-'),
  open: async endpoint => await plugin.open(optionsSchema.parse({ container: 'faults', account: 'account', endpoint, accountKey: 'a2V5', requestTimeout: 300 }), nodeEnvironment()),
  errorHeaders: code => ({ 'x-ms-error-code': code === 'NoSuchKey' ? 'BlobNotFound' : code }),
  errorBody: code => `<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code><Message>no</Message></Error>`,
  answers: [
    { status: 404, code: 'BlobNotFound', becomes: 'NOT_FOUND' },
    { status: 404, code: 'ContainerNotFound', becomes: 'MISCONFIGURED' },
    { status: 409, code: 'BlobAlreadyExists', becomes: 'ALREADY_EXISTS' },
    { status: 412, code: 'ConditionNotMet', becomes: 'ALREADY_EXISTS' },
    { status: 409, code: 'BlobArchived', becomes: 'MISCONFIGURED' },
    { status: 403, code: 'AuthenticationFailed', becomes: 'PERMISSION_DENIED' },
    { status: 403, code: 'AuthorizationPermissionMismatch', becomes: 'PERMISSION_DENIED' },
    { status: 416, code: 'InvalidRange', becomes: 'OUT_OF_RANGE' },
    { status: 503, code: 'ServerBusy', becomes: 'THROTTLED' },
    { status: 500, code: 'InternalError', becomes: 'UNAVAILABLE' },
    { status: 500, code: 'OperationTimedOut', becomes: 'UNAVAILABLE' },
    { status: 400, code: 'Md5Mismatch', becomes: 'UNAVAILABLE' },
    { status: 400, code: 'InvalidMd5', becomes: 'UNAVAILABLE' },
    { status: 405, code: 'UnsupportedHttpVerb', becomes: 'UNAVAILABLE' },
    { status: 429, code: 'SomethingNew', becomes: 'THROTTLED' },
    { status: 400, code: 'SomethingNew', becomes: 'UNAVAILABLE' },
    { status: 418, code: 'SomethingNew', becomes: 'UNAVAILABLE' }
  ]
})
