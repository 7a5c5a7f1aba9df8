import assert from 'node:assert/strict'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { StreambedError, type ErrorCode, type Wal } from '@streambed/sdk'
import { VirtualClock } from '@streambed/sdk/testing'
import { recovered } from '../../../sdk/test/batch-log/log-files.ts'
import { parseNvme, NvmeReservations } from '../src/nvme-reservations.ts'
import { openWal } from '../src/open-wal.ts'
import { nodeOutside, type Outside, type ProgramResult } from '../src/outside.ts'
import { DeviceReservation } from '../src/reservation.ts'
import { epochOfKey, keyOf } from '../src/reservation-key.ts'
import { parseScsi, ScsiReservations } from '../src/scsi-reservations.ts'
import { ScsiDevice } from './scsi-device.ts'
import { idOf, KiB, recordOf, simulated, writerOf, type Simulated } from './support.ts'

const timeout = 30_000
const key1 = '0x5b00010000000001'
const key2 = '0x5b00010000000002'

function withCode (code: ErrorCode, text: RegExp): (error: unknown) => boolean {
  return error => {
    assert.ok(StreambedError.is(error, code), String(error))
    assert.match(error.message, text)
    return true
  }
}

function scsi (device: ScsiDevice, host: string): DeviceReservation {
  return new DeviceReservation(new ScsiReservations('/disk', '/opt/sg_persist', timeout, device.on(host), new VirtualClock()), '/disk')
}

describe('reservation keys', () => {
  it('tell node and epoch, and fit the 64 bits of a device', () => {
    assert.equal(keyOf(writerOf(1)), BigInt(key1))
    assert.equal(keyOf({ nodeId: 0, writerEpoch: 0 }), 0x5b00_0000_0000_0000n)
    assert.equal(keyOf({ nodeId: 0x1_fffe, writerEpoch: 2 ** 40 - 1 }), 0x5bff_feff_ffff_ffffn)
    assert.throws(() => keyOf({ nodeId: 1, writerEpoch: 2 ** 40 }), withCode('UNSUPPORTED', /2\^40/))
    assert.equal(epochOfKey(BigInt(key2), 1), 2)
    assert.equal(epochOfKey(BigInt(key2), 2), undefined)
    assert.equal(epochOfKey(0x1234n, 1), undefined)
  })
})

describe('SCSI reservations', () => {
  it('are taken by these commands, and no others', async () => {
    const device = new ScsiDevice()
    assert.equal(await scsi(device, 'a').take(writerOf(1)), 'kept')
    const look = ['--in --read-keys /disk', '--in --read-reservation /disk']
    const on = (host: string, ...commands: readonly string[]): string[] => commands.map(command => `${host} /opt/sg_persist ${command}`)
    assert.deepEqual(device.calls.splice(0), on('a', ...look,
      `--out --register --param-rk=0x0 --param-sark=${key1} /disk`, ...look,
      `--out --reserve --param-rk=${key1} --prout-type=5 /disk`, ...look))
    assert.equal(await scsi(device, 'b').take(writerOf(2)), 'taken')
    assert.deepEqual(device.calls.splice(0), on('b', ...look,
      `--out --register --param-rk=0x0 --param-sark=${key2} /disk`, ...look,
      `--out --preempt --param-rk=${key2} --param-sark=${key1} --prout-type=5 /disk`, ...look))
    assert.deepEqual([device.mayWrite('a'), device.mayWrite('b')], [false, true])
  })

  it('are kept by the same host in a later epoch, under a new key', async () => {
    const device = new ScsiDevice()
    await scsi(device, 'a').take(writerOf(1))
    assert.equal(await scsi(device, 'a').take(writerOf(2)), 'kept')
    assert.deepEqual([...device.keys], [['a', BigInt(key2)]])
    assert.equal(device.holder, 'a')
  })

  it('are left to a higher epoch, and to the same, without a change', async () => {
    const device = new ScsiDevice()
    await scsi(device, 'a').take(writerOf(5))
    for (const epoch of [4, 5]) {
      await assert.rejects(scsi(device, 'b').take(writerOf(epoch)), withCode('FENCED', /highestEpoch=5/))
      assert.deepEqual([device.keys.size, device.holder], [1, 'a'])
    }
  })

  it('are not taken from another node, nor from another program', async () => {
    for (const key of [keyOf({ nodeId: 2, writerEpoch: 1 }), 0xabcn]) {
      const device = new ScsiDevice()
      device.keys.set('a', key)
      device.holder = 'a'
      await assert.rejects(scsi(device, 'b').take(writerOf(9)), withCode('MISCONFIGURED', new RegExp(`key=0x${key.toString(16)}`)))
      assert.deepEqual([...device.keys], [['a', key]])
    }
  })

  it('take the key of a host that is registered but holds nothing: it could write as well', async () => {
    const device = new ScsiDevice()
    await scsi(device, 'a').take(writerOf(2))
    device.keys.set('c', BigInt(key1))
    assert.equal(await scsi(device, 'b').take(writerOf(3)), 'taken')
    assert.deepEqual([...device.keys.keys()], ['b'])
  })

  it('of two openers that meet go to the higher epoch, whatever comes between', async () => {
    for (let at = 0; at < 8; at++) {
      const device = new ScsiDevice()
      await scsi(device, 'a').take(writerOf(1))
      let count = 0
      let rival: Promise<unknown> | undefined
      device.before = host => {
        if (host !== 'b' || count++ !== at) return
        rival = scsi(device, 'c').take(writerOf(3))
      }
      const lower = await Promise.allSettled([scsi(device, 'b').take(writerOf(2))])
      await rival
      assert.ok(rival !== undefined, `at ${at}`)
      assert.deepEqual([...device.keys.keys()].filter(host => device.mayWrite(host)), ['c'], `at ${at}`)
      // It may have finished before the other one came.
      if (lower[0].status === 'rejected') assert.ok(StreambedError.is(lower[0].reason, 'FENCED'), String(lower[0].reason))
    }
  })

  it('ask again when the device says first that something has changed', async () => {
    const device = new ScsiDevice()
    device.attention.add('a')
    assert.equal(await scsi(device, 'a').take(writerOf(1)), 'kept')
  })

  for (const { exitCode, stderr, code, text } of [
    { exitCode: 5, stderr: 'PR out: command not supported', code: 'MISCONFIGURED', text: /takes no persistent reservation.*not supported/ },
    { exitCode: 9, stderr: 'Illegal request, Invalid opcode', code: 'MISCONFIGURED', text: /takes no persistent reservation/ },
    { exitCode: 15, stderr: 'open error: /disk: No such file', code: 'MISCONFIGURED', text: /No such file/ },
    { exitCode: 2, stderr: 'Device not ready', code: 'UNAVAILABLE', text: /status=2.*not ready/ },
    { exitCode: 6, stderr: 'Unit attention', code: 'UNAVAILABLE', text: /status=6/ },
    { exitCode: undefined, stderr: '', code: 'UNAVAILABLE', text: /signal=SIGKILL/ }
  ] as const) {
    it(`tell ${code} when the tool ends with status ${exitCode}`, async () => {
      const outside: Outside = { run: async () => ({ exitCode, signal: exitCode === undefined ? 'SIGKILL' : undefined, stdout: '', stderr }), post: async () => { throw new Error('not called') } }
      const reservation = new DeviceReservation(new ScsiReservations('/disk', 'sg_persist', timeout, outside, new VirtualClock()), '/disk')
      await assert.rejects(reservation.take(writerOf(1)), withCode(code, text))
    })
  }

  it('give up on a device that does not do what it is told', async () => {
    const device = new ScsiDevice()
    device.before = () => { device.holder = undefined }
    await assert.rejects(scsi(device, 'a').take(writerOf(1)), withCode('UNAVAILABLE', /changes all the time/))
  })

  it('are read from what sg_persist 1.46 printed of a disk of LIO', () => {
    const keys = '  LIO-ORG   FILEIO            4.0 \n  Peripheral device type: disk\n  PR generation=0x3, 2 registered reservation keys follow:\n    0x12\n    0x21\n'
    const held = '  LIO-ORG   FILEIO            4.0 \n  Peripheral device type: disk\n  PR generation=0x2, Reservation follows:\n    Key=0x12\n    scope: LU_SCOPE,  type: Write Exclusive, registrants only\n'
    assert.deepEqual(parseScsi(keys, held), { keys: [0x12n, 0x21n], holder: 0x12n })
    assert.deepEqual(parseScsi('  PR generation=0x0, there are NO registered reservation keys\n', '  PR generation=0x0, there is NO reservation held\n'), { keys: [], holder: undefined })
  })
})

describe('NVMe reservations', () => {
  /** Answers in turn; keeps what it was asked. */
  function scripted (answers: readonly Partial<ProgramResult>[], calls: string[]): DeviceReservation {
    const left = [...answers]
    const outside: Outside = {
      run: async command => {
        calls.push(command.join(' '))
        return { exitCode: 0, signal: undefined, stdout: '', stderr: '', ...left.shift() }
      },
      post: async () => { throw new Error('not called') }
    }
    return new DeviceReservation(new NvmeReservations('/dev/nvme1n1', '/opt/nvme', timeout, outside, new VirtualClock()), '/dev/nvme1n1')
  }
  const report = (...registrants: readonly (readonly [key: string, holds: boolean])[]): Partial<ProgramResult> => ({
    stdout: `{ "gen":4, "rtype":3, "regctl":${registrants.length}, "ptpls":0, "regctls":[${registrants.map(([key, holds]) => `{ "cntlid":1, "rcsts":${holds ? 1 : 0}, "hostid":7, "rkey":${BigInt(key)} }`).join(',')}] }`
  })
  const conflict = { exitCode: 1, stderr: 'NVMe status: Reservation Conflict: The command was aborted due to a conflict with a reservation held on the accessed namespace(0x4083)' }
  const look = '/opt/nvme resv-report /dev/nvme1n1 --output-format=json'

  it('are taken by these commands, and no others', async () => {
    const calls: string[] = []
    assert.equal(await scripted([report([key1, true]), {}, report([key1, true], [key2, false]), {}, report([key2, true])], calls).take(writerOf(2)), 'taken')
    assert.deepEqual(calls, [look,
      `/opt/nvme resv-register /dev/nvme1n1 --nrkey=${key2} --rrega=0`, look,
      `/opt/nvme resv-acquire /dev/nvme1n1 --crkey=${key2} --prkey=${key1} --rtype=3 --racqa=1`, look])
  })

  it('are acquired where nobody holds them, and the key that this host has is replaced', async () => {
    const calls: string[] = []
    assert.equal(await scripted([report([key1, false]), conflict, {}, report([key2, false]), {}, report([key2, true])], calls).take(writerOf(2)), 'kept')
    assert.deepEqual(calls, [look,
      `/opt/nvme resv-register /dev/nvme1n1 --nrkey=${key2} --rrega=0`,
      `/opt/nvme resv-register /dev/nvme1n1 --nrkey=${key2} --rrega=2 --iekey`, look,
      `/opt/nvme resv-acquire /dev/nvme1n1 --crkey=${key2} --rtype=3 --racqa=0`, look])
  })

  it('are left to a higher epoch', async () => {
    const calls: string[] = []
    await assert.rejects(scripted([report([key2, true])], calls).take(writerOf(1)), withCode('FENCED', /highestEpoch=2/))
    assert.deepEqual(calls, [look])
  })

  it('are refused by a device that has none', async () => {
    await assert.rejects(scripted([{ exitCode: 1, stderr: 'NVMe status: Invalid Command Opcode: A reserved coded value or an unsupported value in the command opcode field(0x4001)' }], []).take(writerOf(1)), withCode('MISCONFIGURED', /takes no reservation/))
    await assert.rejects(scripted([{ stdout: 'usage: nvme' }], []).take(writerOf(1)), withCode('MISCONFIGURED', /nvme-cli 2/))
    await assert.rejects(scripted([{ exitCode: 1, stderr: 'NVMe status: Internal Error' }], []).take(writerOf(1)), withCode('UNAVAILABLE', /Internal Error/))
  })

  it('keep all 64 bits of a key', () => {
    assert.deepEqual(parseNvme('{"regctls":[{"cntlid":1,"rcsts":1,"hostid":18446744073709551615,"rkey":6557242005037514755}]}'), { keys: [6557242005037514755n], holder: 6557242005037514755n })
    assert.deepEqual(parseNvme('{"gen":0,"rtype":0,"regctl":0,"ptpls":0,"regctls":[]}'), { keys: [], holder: undefined })
  })
})

describe('a log on a device with reservations', () => {
  const options = { path: '/disk', capacity: 280 * KiB, reservation: { protocol: 'scsi', timeout } } as const
  let simulation: Simulated
  let device: ScsiDevice
  beforeEach(() => {
    simulation = simulated()
    simulation.files.addBlockDevice('/disk', 280 * KiB)
    device = new ScsiDevice()
  })
  /** Hosts share the device, not their locks. */
  async function open (host: string, epoch: number): Promise<Wal> {
    return await openWal({ ...options, lockFile: `/lock-${host}` }, simulation.environment, { writer: writerOf(epoch) }, device.on(host))
  }

  it('goes on in the other half when it was taken from another host, and recovers what that confirmed', async () => {
    const old = await open('a', 1)
    await old.append([recordOf(1, 100)])
    const taker = await open('b', 2)
    assert.equal(device.mayWrite('a'), false)
    assert.deepEqual((await recovered(taker)).map(({ data }) => idOf(data)), [1])
    await taker.append([recordOf(2, 100)])
    await assert.rejects(old.append([recordOf(3, 100)]), withCode('FENCED', /highestEpoch=2/))
    await taker.close()
    // Nothing but the old half is left for this one: no living writer keeps it out.
    const third = await open('a', 3)
    assert.deepEqual((await recovered(third)).map(({ data }) => idOf(data)), [1, 2])
    await third.append([recordOf(4, 100)])
    await third.close()
    const fourth = await open('a', 4)
    assert.deepEqual((await recovered(fourth)).map(({ data }) => idOf(data)), [1, 2, 4])
    await fourth.close()
  })

  it('tells FENCED when the device refuses a write for the reservation that a later epoch took', async () => {
    const old = await open('a', 1)
    const taker = await open('b', 2)
    simulation.files.plan = (operation, path) => operation === 'write' && path === '/disk' ? { kind: 'fail', code: 'UNAVAILABLE' } : undefined
    await assert.rejects(old.append([recordOf(1, 100)]), withCode('FENCED', /highestEpoch=2/))
    simulation.files.plan = undefined
    await taker.close()
  })

  it('takes no reservation for an epoch that the log refuses', async () => {
    await (await open('a', 5)).close()
    device.keys.clear()
    device.holder = undefined
    const calls = device.calls.length
    await assert.rejects(open('b', 5), withCode('FENCED', /highestEpoch=5/))
    assert.equal(device.calls.length, calls)
  })

  it('is refused for a folder, and where the tool is missing', async () => {
    await simulation.files.makeDirectory('/folder')
    await assert.rejects(openWal({ ...options, path: '/folder' }, simulation.environment, { writer: writerOf(1) }, device.on('a')), withCode('MISCONFIGURED', /"reservation" is for block devices/))
    await assert.rejects(openWal({ ...options, path: '/none' }, simulation.environment, { writer: writerOf(1) }, device.on('a')), withCode('MISCONFIGURED', /no device/))
    await assert.rejects(openWal({ ...options, reservation: { protocol: 'scsi', timeout, tool: '/none/sg_persist' } }, simulation.environment, { writer: writerOf(1) }, nodeOutside), withCode('MISCONFIGURED', /\/none\/sg_persist.*ENOENT/))
    await assert.rejects(openWal({ ...options, reservation: { protocol: 'nvme', timeout, tool: '/none/nvme' } }, simulation.environment, { writer: writerOf(1) }, nodeOutside), withCode('MISCONFIGURED', /\/none\/nvme.*ENOENT/))
  })

  it('runs the tool that is named, as a program of its own', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tool-'))
    try {
      const tool = join(folder, 'a tool')
      // What it has seen last decides what it shows: registered, then reserved.
      await writeFile(tool, `#!/bin/sh
echo "$@" >> "$0.calls"
case "$2" in
  --register) echo "    ${key1}" > "$0.keys" ;;
  --reserve) echo "    Key=${key1}" > "$0.held" ;;
  --read-keys) cat "$0.keys" 2> /dev/null || echo "  PR generation=0x0, there are NO registered reservation keys" ;;
  --read-reservation) cat "$0.held" 2> /dev/null || echo "  PR generation=0x0, there is NO reservation held" ;;
esac
`)
      await chmod(tool, 0o755)
      const wal = await openWal({ ...options, reservation: { protocol: 'scsi', timeout, tool } }, simulation.environment, { writer: writerOf(1) })
      await wal.close()
      assert.equal((await readFile(`${tool}.calls`, 'utf8')).trim().split('\n').length, 8)
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
