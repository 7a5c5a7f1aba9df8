import { oddAnswerTests } from '../../../conformance/test/odd-answers/matrix.ts'
import plugin from '../src/index.ts'
import { optionsSchema } from '../src/options.ts'
import { FakeGcs } from './fake-gcs.ts'

oddAnswerTests({
  cloud: 'gcs',
  start: () => FakeGcs.start(),
  open: async (_, endpoint, environment) => await plugin.open(optionsSchema.parse({ bucket: 'fake-bucket', endpoint, credentials: 'none', prefix: 'pre/', multipart: true }), environment)
})
