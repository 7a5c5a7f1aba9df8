import assert from 'node:assert/strict'
import plugin from '../src/index.ts'
import { blobNameOf, isOrderedElse, nameOf } from '../src/names.ts'
import { optionsSchema } from '../src/options.ts'
import { compareKeys } from '@streambed/sdk'

const base = { container: 'records', account: 'account' }

describe('object-store-azure-blob', () => {
  for (const { options, says } of [
    { options: { container: 'records' }, says: /account.*is required/ },
    { options: { ...base, container: 'Records' }, says: /3 to 63 lower-case/ },
    { options: { ...base, container: 'a--b' }, says: /single hyphens/ },
    { options: { ...base, accountKey: 'a2V5', sasToken: 'sv=1' }, says: /at most one/ },
    { options: { ...base, accountKey: 'not base64!' }, says: /base64/ },
    { options: { ...base, connectionString: 'x' }, says: /leave those out/ },
    { options: { ...base, prefix: 'no-slash' }, says: /end with/ },
    { options: { ...base, requestTimeout: '1 hour' }, says: /duration/ },
    { options: { ...base, tier: 'Hot' }, says: /tier/ }
  ]) {
    it(`refuses ${JSON.stringify(options)}`, () => {
      assert.match(JSON.stringify(optionsSchema.safeParse(options).error?.issues), says)
    })
  }

  it('documents each option', () => {
    assert.deepEqual(Object.keys(plugin.optionDocs).sort(), Object.keys(optionsSchema.shape).sort())
  })

  it('writes names so that Azure keeps them apart, in their order, and back', () => {
    const names = ['a\\b', 'a/b', 'a[b', 'a[0', 'a[1', '[', '\\', ']', 'Z', 'a]b', '[[\\', 'a[', 'a\\']
    for (const name of names) assert.equal(nameOf(blobNameOf(name)), name)
    assert.ok(names.every(name => !blobNameOf(name).includes('\\')))
    assert.deepEqual([...names].sort((left, right) => compareKeys(blobNameOf(left), blobNameOf(right))), [...names].sort(compareKeys))
    assert.throws(() => blobNameOf('['.repeat(600)), /1200 characters, Azure takes 1024/)
  })

  it('knows the names that UTF-16 orders otherwise', () => {
    assert.deepEqual(['a', 'é', '\ud7ff', '\ue000', '\uffee', '\u{1f600}'].map(isOrderedElse), [false, false, false, true, true, true])
  })
})
