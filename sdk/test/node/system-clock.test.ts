import { SystemClock, SystemRandom, nodeEnvironment } from '@streambed/sdk/node'
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'

describe('SystemClock', () => {
  const clock = new SystemClock()

  it('fires once, and not before its time', async () => {
    for (const delayMs of [0, 0.4, 1.7, 3]) {
      const startMs = clock.monotonicMs()
      await new Promise<void>(resolve => { clock.schedule(delayMs, resolve) })
      assert.ok(clock.monotonicMs() - startMs >= delayMs)
    }
  })

  it('does not fire when cancelled, and never early for a delay longer than timers hold', async () => {
    let isFired = false
    const cancelled = clock.schedule(0, () => { isFired = true })
    cancelled.cancel()
    cancelled.cancel()
    const far = clock.schedule(2 ** 40, () => { isFired = true })
    await new Promise<void>(resolve => { clock.schedule(3, resolve) })
    far.cancel()
    assert.equal(isFired, false)
  })

  it('keeps no process alive', () => {
    const program = "import { SystemClock } from '@streambed/sdk/node'; new SystemClock().schedule(1e9, () => {})"
    const done = spawnSync(process.execPath, ['--conditions=streambed-source', '--input-type=module', '-e', program], { cwd: import.meta.dirname })
    assert.equal(done.status, 0, done.stderr.toString())
  })

  it('tells wall time in whole milliseconds', () => { assert.ok(Number.isInteger(clock.wallMs())) })
})

describe('SystemRandom', () => {
  it('gives fractions below one and bytes by count', () => {
    const random = new SystemRandom()
    const fractions = new Set(Array.from({ length: 1000 }, () => random.fraction()))
    assert.equal(fractions.size, 1000)
    for (const fraction of fractions) assert.ok(fraction >= 0 && fraction < 1)
    assert.equal(random.bytes(33).length, 33)
    assert.notDeepEqual(random.bytes(16), random.bytes(16))
  })
})

describe('nodeEnvironment', () => {
  it('is quiet, and computes the CRC-32C of RFC 3720 unless it is given another', async () => {
    const environment = nodeEnvironment()
    environment.logger.child({ part: 1 }).info('nothing is printed')
    environment.metrics.count('nothing')
    await environment.yieldTurn()
    assert.equal(environment.crc32c(new Uint8Array(32)), 0x8a91_36aa)
    assert.equal(environment.crc32c(Buffer.from('56789'), environment.crc32c(Buffer.from('1234'))), 0xe306_9283)
    assert.equal(nodeEnvironment({ crc32c: () => 7 }).crc32c(new Uint8Array(1)), 7)
  })
})
