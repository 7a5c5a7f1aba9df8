import { StreambedError, capabilitiesOf, type ErrorCode, type WalWriter } from '@streambed/sdk'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import path from 'node:path'
import assert from 'node:assert/strict'
import fsStore from '@streambed/object-store-fs'
import file from '@streambed/metadata-file'
import regionalDisk from '@streambed/wal-regional-disk'
import metadataLog from '../src/metadata-log.ts'
import objectStore from '../src/object-store.ts'
import wal from '../src/wal.ts'
import { environment, optionsOf, serving } from './support.ts'

const writer: WalWriter = { clusterId: 'cluster', nodeId: 1, writerEpoch: 1 }
const storeCapabilities = capabilitiesOf(fsStore, { path: '/a' })
const node = (program: string): string[] => [process.execPath, '-e', program]

function withCode (code: ErrorCode, text = /./): (error: unknown) => boolean {
  return error => {
    assert.ok(StreambedError.is(error, code), `wanted ${code}, got ${String(error)}`)
    assert.match(error.message, text)
    return true
  }
}

/** A guest that answers `open` with `answer` and to each later call runs `onCall`. */
function guest (answer: object, onCall = ''): string[] {
  return node(`
    let held = Buffer.alloc(0)
    const send = (header, body = Buffer.alloc(0)) => { const text = Buffer.from(JSON.stringify(header)); const sizes = Buffer.alloc(8); sizes.writeUInt32BE(text.length, 0); sizes.writeUInt32BE(body.length, 4); process.stdout.write(Buffer.concat([sizes, text, body])) }
    process.stdin.on('data', bytes => {
      held = Buffer.concat([held, bytes])
      while (held.length >= 8 && held.length >= 8 + held.readUInt32BE(0) + held.readUInt32BE(4)) {
        const header = JSON.parse(held.subarray(8, 8 + held.readUInt32BE(0)))
        held = held.subarray(8 + held.readUInt32BE(0) + held.readUInt32BE(4))
        if (header.call === 'open') send({ id: header.id, ok: ${JSON.stringify(answer)} })
        else if (header.call === 'close') send({ id: header.id, ok: {} })
        else { ${onCall} }
      }
    })`)
}

describe('a plugin process', () => {
  let folder: string
  /** Where the guest that is to be killed leaves its id. */
  let pidFile: string
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'streambed-process-'))
    pidFile = path.join(folder, 'pid')
  })
  afterEach(async () => { await rm(folder, { recursive: true, force: true }) })

  /** The command, in a shell that leaves the id of the process. */
  const leavingPid = (command: readonly string[]): string[] => ['/bin/sh', '-c', `echo $$ > '${pidFile}'; exec ${command.map(word => `'${word}'`).join(' ')}`]
  const killGuest = async (): Promise<void> => { process.kill(Number(await readFile(pidFile, 'utf8')), 'SIGKILL') }

  describe('that does not work is refused', () => {
    const cases: readonly { readonly name: string, readonly command: readonly string[], readonly code: ErrorCode, readonly text: RegExp, readonly startTimeout?: number }[] = [
      { name: 'a program that is not there', command: ['/nowhere/plugin'], code: 'MISCONFIGURED', text: /cannot be started.*command=\/nowhere\/plugin/ },
      { name: 'one that ends at once', command: node('process.exit(3)'), code: 'UNAVAILABLE', text: /exited with code 3/ },
      { name: 'one that prints something else', command: node("console.log('hello, world, here I am')"), code: 'UNAVAILABLE', text: /does something else print to its output/ },
      { name: 'one that never answers', command: node('process.stdin.resume()'), code: 'TIMEOUT', text: /did not open within 300 ms.*startTimeout/, startTimeout: 300 },
      { name: 'one with other capabilities', command: guest({ capabilities: { ...storeCapabilities, conditionalCreate: 'none' } }), code: 'MISCONFIGURED', text: /configured=.*atomic.*process=.*none/ },
      { name: 'one of another kind', command: serving('@streambed/wal-regional-disk'), code: 'MISCONFIGURED', text: /serves the kind wal, and is asked for objectStore/ },
      { name: 'one that refuses its options', command: serving('@streambed/object-store-fs'), code: 'MISCONFIGURED', text: /options\.nonsense|nonsense/ }
    ]
    for (const { code, command, name, startTimeout = 10_000, text } of cases) {
      it(name, async () => {
        await assert.rejects(objectStore.open({ ...optionsOf(command, storeCapabilities, { path: folder, nonsense: 1 }), startTimeout }, environment), withCode(code, text))
      })
    }

    it('a socket where nobody listens', async () => {
      await assert.rejects(objectStore.open({ ...optionsOf([], storeCapabilities, {}), command: undefined, socket: path.join(folder, 'socket') }, environment), withCode('UNAVAILABLE', /start it, or correct the address/))
    })
  })

  it('whose answers have codes that do not exist is at fault, not the caller', async () => {
    await using store = await objectStore.open(optionsOf(guest({ capabilities: storeCapabilities }, "send({ id: header.id, error: { code: 'OOPS', message: 'm' } })"), storeCapabilities, {}), environment)
    await assert.rejects(store.head('a'), withCode('INTERNAL', /code=OOPS/))
  })

  it('of an object store is opened again when it has ended; a put in flight has no known outcome, a get may be repeated', async () => {
    const command = leavingPid(serving('@streambed/object-store-fs'))
    await using store = await objectStore.open(optionsOf(command, storeCapabilities, { path: folder }), environment)
    await store.put('before', Buffer.from('kept'))
    await killGuest()
    // Until we learn of the end a call may still be sent into nothing.
    for (;;) {
      try {
        assert.equal(Buffer.from(await store.get('before')).toString(), 'kept')
        break
      } catch (error) { withCode('UNAVAILABLE')(error) }
    }
    const unanswered = guest({ capabilities: storeCapabilities }, 'process.exit(1)')
    await using silent = await objectStore.open(optionsOf(unanswered, storeCapabilities, {}), environment)
    await assert.rejects(silent.put('a', Buffer.from('b')), withCode('OUTCOME_UNKNOWN', /exited with code 1/))
    await assert.rejects(silent.get('a'), withCode('UNAVAILABLE', /exited with code 1/))
  })

  it('of a WAL that has ended confirms nothing more, and loses nothing confirmed', async () => {
    const capabilities = capabilitiesOf(regionalDisk, { path: folder })
    const options = { path: path.join(folder, 'wal'), capacity: '4MiB' }
    const log = await wal.open(optionsOf(leavingPid(serving('@streambed/wal-regional-disk')), capabilities, options), environment, { writer })
    await log.append([Buffer.from('one'), Buffer.from(' record')])
    await killGuest()
    await assert.rejects(log.append([Buffer.from('two')]).then(() => log.append([Buffer.from('three')])), (error: unknown) => StreambedError.is(error, 'OUTCOME_UNKNOWN', 'UNAVAILABLE'))
    await assert.rejects(log.append([Buffer.from('four')]), withCode('UNAVAILABLE', /ended by SIGKILL/))
    await log.close()
    await using again = await wal.open(optionsOf(serving('@streambed/wal-regional-disk'), capabilities, options), environment, { writer: { ...writer, writerEpoch: 2 } })
    const records: string[] = []
    for await (const { data } of again.recover()) records.push(Buffer.from(data).toString())
    assert.equal(records[0], 'one record')
  })

  describe('that serves a WAL', () => {
    const declared = { ...capabilitiesOf(regionalDisk, { path: '/a' }), identity: true }
    const { identity: _, ...silent } = declared
    const usage = { usedBytes: 0, capacityBytes: 1024, recordBytesMax: 256 }
    const identity = { id: 'one', writerEpoch: 3, last: 7, trimmed: -1 }

    it('of before identities works as it did: it is told nothing of how it is opened, and its log has none', async () => {
      // It refuses what it does not know, as a strict one may.
      const strict = guest({ capabilities: silent, usage }).map(part => part.replace("if (header.call === 'open') send", "if (header.call === 'open' && header.opening !== undefined) send({ id: header.id, error: { code: 'INVALID_ARGUMENT', message: 'opening' } }); else if (header.call === 'open') send"))
      for (const opening of [undefined, { mode: 'own', expectedId: 'one' }] as const) {
        await using log = await wal.open(optionsOf(strict, silent, {}), environment, { writer, opening })
        assert.equal(log.identity, undefined)
      }
    })

    it('may have an identity of which an older configuration says nothing: it is not used', async () => {
      await using log = await wal.open(optionsOf(guest({ capabilities: declared, usage, identity }), silent, {}), environment, { writer })
      assert.equal(log.identity, undefined)
      await assert.rejects(wal.open(optionsOf(guest({ capabilities: silent, usage }), declared, {}), environment, { writer }), withCode('MISCONFIGURED', /other capabilities/))
    })

    it('hands its identity on, and is not believed when that is not the one expected', async () => {
      const command = guest({ capabilities: declared, usage, identity })
      await using log = await wal.open(optionsOf(command, declared, {}), environment, { writer, opening: { mode: 'own', expectedId: 'one' } })
      assert.deepEqual(log.identity, identity)
      await assert.rejects(wal.open(optionsOf(command, declared, {}), environment, { writer, opening: { mode: 'own', expectedId: 'two' } }), withCode('WRONG_MEDIUM', /expectedId=two id=one/))
    })

    for (const told of [undefined, { ...identity, id: '' }, { ...identity, id: 'a b' }, { ...identity, last: -2 }, { id: 'one' }]) {
      it(`must tell the identity that it declares, not ${JSON.stringify(told)}`, async () => {
        await assert.rejects(wal.open(optionsOf(guest({ capabilities: declared, usage, identity: told }), declared, {}), environment, { writer }), withCode('MISCONFIGURED', /declares the capability "identity"/))
      })
    }
  })

  it('of a metadata log that has ended rejects all, waits too, with CLOSED from then on', async () => {
    const capabilities = capabilitiesOf(file, { path: folder })
    const log = await metadataLog.open(optionsOf(leavingPid(serving('@streambed/metadata-file')), capabilities, { path: path.join(folder, 'log') }), environment, {})
    const waiting = assert.rejects(log.waitForGrowth(0, { signal: new AbortController().signal }), withCode('UNAVAILABLE', /ended by SIGKILL/))
    await killGuest()
    await waiting
    await assert.rejects(log.read(0), withCode('CLOSED', /must be opened again/))
    await log.close()
  })

  it('hears that a caller has stopped waiting', async () => {
    const onCall = "if (header.cancel !== undefined) send({ id: 99, ok: {} }); else if (header.key === 'told') send({ id: header.id, ok: { size: globalThis.cancelled ?? -1, versionToken: 't', modifiedMs: 0 } }); if (header.cancel !== undefined) globalThis.cancelled = header.cancel"
    await using store = await objectStore.open(optionsOf(guest({ capabilities: storeCapabilities }, onCall), storeCapabilities, {}), environment)
    const stop = new AbortController()
    const pending = assert.rejects(store.get('never', { signal: stop.signal }), withCode('ABORTED'))
    assert.equal((await store.head('told')).size, -1, 'both have been sent')
    stop.abort()
    await pending
    assert.equal((await store.head('told')).size, 1, 'the id of the call that was given up')
  })

  it('is not left behind when its host is killed', async () => {
    const host = spawn(process.execPath, ['--conditions=streambed-source', '--disable-warning=ExperimentalWarning', '--input-type=module', '-e', `
      import objectStore from '@streambed/process/object-store'
      import { nodeEnvironment } from '@streambed/sdk/node'
      await objectStore.open(${JSON.stringify(optionsOf(leavingPid(serving('@streambed/object-store-fs')), storeCapabilities, { path: folder }))}, nodeEnvironment())
      console.log('open')
      process.stdin.resume()`], { cwd: import.meta.dirname, stdio: ['pipe', 'pipe', 'inherit'] })
    await new Promise(resolve => { host.stdout.once('data', resolve) })
    const pid = Number(await readFile(pidFile, 'utf8'))
    host.kill('SIGKILL')
    await new Promise(resolve => { host.once('close', resolve) })
    while (isAlive(pid)) await new Promise(resolve => { setImmediate(resolve) })
  })
})

function isAlive (pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
