import { conformanceOnService } from '../../../conformance/test/remote-service.ts'
import plugin from '../src/index.ts'
import { makeContainer, ownPrefix, serviceFromEnvironment } from './service.ts'

conformanceOnService({ plugin, variable: 'STREAMBED_TEST_AZURE_BLOB', service: serviceFromEnvironment(), prepare: makeContainer, ownPrefix })
