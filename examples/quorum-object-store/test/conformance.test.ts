import { objectStoreConformance, type Runner } from '@streambed/conformance'
import { capabilitiesOf } from '@streambed/sdk'
import { nodeEnvironment } from '@streambed/sdk/node'
import plugin from '../src/index.ts'
import { optionsOf, temporaryFolder, threeFolders } from './support.ts'

/** Those that overwrite, which this store refuses: quorum.test.ts has the refusal. */
const overwriting = ['OS-C03', 'OS-C05', 'OS-K02', 'OS-K06', 'OS-K08']
const runner: Runner = { describe, it: (name, body) => overwriting.some(id => name.startsWith(id)) ? it(`${name}: does not apply, this store does not overwrite`) : it(name, body) }

objectStoreConformance(runner, {
  name: 'quorum, over three folders',
  capabilities: capabilitiesOf(plugin, await optionsOf(threeFolders('any'))),
  prepare: async () => {
    const folder = await temporaryFolder()
    const options = await optionsOf(threeFolders(folder.path))
    return {
      open: async () => await plugin.open(options, nodeEnvironment()),
      cleanUp: async () => { await folder[Symbol.asyncDispose]() }
    }
  }
})
