import { oddAnswerTests } from '../../../conformance/test/odd-answers/matrix.ts'
import plugin from '../src/index.ts'
import { optionsSchema } from '../src/options.ts'
import { FakeS3 } from './fake-s3.ts'

oddAnswerTests({
  cloud: 's3',
  start: () => FakeS3.start(),
  open: async (_, endpoint, environment) => await plugin.open(optionsSchema.parse({ bucket: 'fake-bucket', endpoint, pathStyle: true, accessKeyId: 'a', secretAccessKey: 'b', prefix: 'pre/' }), environment)
})
