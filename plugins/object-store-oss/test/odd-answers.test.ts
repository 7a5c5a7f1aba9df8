import { oddAnswerTests } from '../../../conformance/test/odd-answers/matrix.ts'
import plugin from '../src/index.ts'
import { optionsSchema } from '../src/options.ts'
import { FakeOss } from './fake-oss.ts'

oddAnswerTests({
  cloud: 'oss',
  start: () => FakeOss.start(),
  open: async (double, endpoint, environment) => {
    const { accessKeyId, accessKeySecret, bucket, region } = double as FakeOss
    return await plugin.open(optionsSchema.parse({ bucket, region, endpoint, pathStyle: true, accessKeyId, accessKeySecret, prefix: 'pre/' }), environment)
  }
})
