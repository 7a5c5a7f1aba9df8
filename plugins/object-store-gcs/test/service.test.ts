import { conformanceOnService } from '../../../conformance/test/remote-service.ts'
import plugin from '../src/index.ts'
import { makeBucket, ownPrefix, serviceFromEnvironment } from './service.ts'

conformanceOnService({ plugin, variable: 'STREAMBED_TEST_GCS', service: serviceFromEnvironment(), prepare: makeBucket, ownPrefix })
