import { capabilitiesOf } from '@streambed/sdk'
import assert from 'node:assert/strict'
import plugin from '../src/index.ts'
import { defaultCapacityBytes, optionsSchema } from '../src/options.ts'

describe('options', () => {
  for (const { capacity, want } of [
    { capacity: '4GiB', want: 4 * 2 ** 30 }, { capacity: '64 MiB', want: 64 * 2 ** 20 }, { capacity: '1.5TiB', want: 1.5 * 2 ** 40 },
    { capacity: 8388608, want: 8388608 }, { capacity: 4194304, want: 4194304 }
  ]) {
    it(`read capacity ${JSON.stringify(capacity)}`, () => {
      assert.equal(optionsSchema.parse({ path: 'a', capacity }).capacity, want)
    })
  }

  for (const { input, message } of [
    { input: { path: 'a', capacity: '4GB' }, message: /expected bytes.*4GB/ },
    { input: { path: 'a', capacity: '1MiB' }, message: /expected 4194304 to/ },
    { input: { path: '' }, message: /folder or a block device/ },
    { input: { path: 'a', scope: 'planet' }, message: /one of host, zone, region, got .*planet/ },
    { input: { path: 'a', fsync: false }, message: /fsync/ },
    { input: {}, message: /path/ }
  ]) {
    it(`refuse ${JSON.stringify(input)}`, () => {
      assert.match(JSON.stringify(optionsSchema.safeParse(input).error?.issues), message)
    })
  }

  it('declare what the disk survives: the host alone unless told', () => {
    for (const { options, scope } of [{ options: {}, scope: 'host' }, { options: { scope: 'region' }, scope: 'region' }]) {
      assert.equal(capabilitiesOf(plugin, optionsSchema.parse({ path: 'a', ...options })).scope, scope)
    }
  })

  it('are documented, each', () => {
    assert.deepEqual(Object.keys(plugin.optionDocs).sort(), Object.keys(optionsSchema.shape).sort())
    assert.equal(defaultCapacityBytes, 2 ** 30)
  })
})
