import assert from 'node:assert/strict'
import plugin from '../src/index.ts'
import { keyLine } from './support.ts'

const store = { plugin: '@streambed/object-store-fs', path: 'objects' }
const keys = keyLine('k1', 1)

describe('options of the encrypting store', () => {
  const cases: readonly { readonly name: string, readonly given: object, readonly at: string, readonly problem: RegExp }[] = [
    { name: 'no key', given: { keys: '\n', store }, at: 'keys', problem: /there is no key/ },
    { name: 'a short key', given: { keys: `${keys}\nk2 c2hvcnQ=`, store }, at: 'keys', problem: /^key 2 must be written as/ },
    { name: 'one id twice', given: { keys: `${keys}\n${keyLine('k1', 2)}`, store }, at: 'keys', problem: /k1 is there twice/ },
    { name: 'an unknown option', given: { keys, store, level: 9 }, at: '', problem: /level/ },
    { name: 'a plugin that is not there', given: { keys, store: { plugin: '@streambed/none' } }, at: 'store.plugin', problem: /cannot be loaded/ },
    { name: 'a plugin of another kind', given: { keys, store: { plugin: '@streambed/wal-efs', path: 'a' } }, at: 'store.plugin', problem: /must name an object store's package.*got wal/ },
    { name: "an option that the inner store's plugin refuses", given: { keys, store: { ...store, path: '' } }, at: 'store.path', problem: /./ },
    { name: 'a reference within, to nothing', given: { keys, store: { ...store, path: { env: 'STREAMBED_EXAMPLE_NOT_SET' } } }, at: 'store', problem: /STREAMBED_EXAMPLE_NOT_SET, which is not set/ }
  ]
  for (const { at, given, name, problem } of cases) {
    it(`refuses ${name}, names where, and prints no key`, async () => {
      const { issues = [] } = await plugin.options['~standard'].validate(given)
      assert.equal(issues.length, 1, JSON.stringify(issues))
      assert.match(issues[0]!.message, problem)
      assert.equal((issues[0]!.path ?? []).map(String).join('.'), at)
      assert.equal(JSON.stringify(issues).includes(keys.split(' ')[1]!), false)
    })
  }
})
