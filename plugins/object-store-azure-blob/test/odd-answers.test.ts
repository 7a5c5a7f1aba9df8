import { oddAnswerTests } from '../../../conformance/test/odd-answers/matrix.ts'
import plugin from '../src/index.ts'
import { optionsSchema } from '../src/options.ts'
import { FakeAzure } from './fake-azure.ts'

oddAnswerTests({
  cloud: 'azure',
  start: () => FakeAzure.start(),
  open: async (_, endpoint, environment) => await plugin.open(optionsSchema.parse({ container: 'fake-container', account: 'account', endpoint, accountKey: 'a2V5', prefix: 'pre/' }), environment)
})
