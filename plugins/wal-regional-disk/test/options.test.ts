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
    { input: { path: 'a', attach: {} }, message: /attach.*must be .*command.*url/ },
    { input: { path: 'a', attach: { command: [] } }, message: /must name a program/ },
    { input: { path: 'a', attach: { command: [''] } }, message: /must name a program/ },
    { input: { path: 'a', attach: { url: 'https://me:secret@a/' } }, message: /must hold no user or password; use attachToken/ },
    { input: { path: 'a', attach: { command: 'attach $HOME' } }, message: /must be .*command/ },
    { input: { path: 'a', attach: { command: ['a'], url: 'http://a/' } }, message: /must be .*command/ },
    { input: { path: 'a', attach: { url: 'file:///a' } }, message: /must be an http or https URL/ },
    { input: { path: 'a', attach: { command: ['a'], timeout: '1ms' } }, message: /must be .*timeout/ },
    { input: { path: 'a', attach: { command: ['a'] }, attachToken: 'x' }, message: /attachToken.*url|url.*attachToken/ },
    { input: { path: 'a', attachToken: 'x' }, message: /attachToken.*url|url.*attachToken/ },
    { input: { path: 'a', reservation: { protocol: 'iscsi' } }, message: /must be scsi or nvme, got .*iscsi/ },
    { input: { path: 'a', reservation: 'scsi' }, message: /expected object/ },
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

  it('read hooks and reservations, with their defaults', () => {
    assert.deepEqual(optionsSchema.parse({ path: 'a', attach: { command: ['a', '{epoch}'] }, reservation: { protocol: 'nvme', timeout: '5s' } }), { path: 'a', attach: { command: ['a', '{epoch}'], timeout: 60_000 }, reservation: { protocol: 'nvme', timeout: 5000 } })
    assert.deepEqual(optionsSchema.parse({ path: 'a', attach: { url: 'http://127.0.0.1:80/x', timeout: '2m' }, attachToken: 'x' }).attach, { url: 'http://127.0.0.1:80/x', timeout: 120_000 })
  })

  it('declare a takeover by another host only with a hook or a reservation, and how an earlier writer is fenced', () => {
    for (const { options, fencing, remoteTakeover } of [
      { options: {}, fencing: 'epochFile', remoteTakeover: false },
      { options: { attach: { command: ['a'] } }, fencing: 'epochFile', remoteTakeover: true },
      { options: { reservation: { protocol: 'scsi' } }, fencing: 'reservation', remoteTakeover: true }
    ]) {
      const claimed = capabilitiesOf(plugin, optionsSchema.parse({ path: 'a', ...options }))
      assert.deepEqual({ fencing: claimed.fencing, remoteTakeover: claimed.remoteTakeover }, { fencing, remoteTakeover })
    }
  })

  it('are documented, each', () => {
    assert.deepEqual(Object.keys(plugin.optionDocs).sort(), Object.keys(optionsSchema.shape).sort())
    assert.equal(defaultCapacityBytes, 2 ** 30)
  })
})
