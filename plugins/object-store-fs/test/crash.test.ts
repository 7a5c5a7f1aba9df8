import { listAll, pattern, rejectsWith, sameBytes } from '@streambed/conformance'
import { StreambedError } from '@streambed/sdk'
import type { ErrorCode, ObjectStore } from '@streambed/sdk'
import { SeededRandom, SimulatedFileSystem, VirtualClock, testEnvironment } from '@streambed/sdk/testing'
import type { FileFaultPlan, FileOperation } from '@streambed/sdk/testing'
import assert from 'node:assert/strict'
import plugin from '../src/index.ts'

const clock = new VirtualClock()

function newSystem (seed: string): { fileSystem: SimulatedFileSystem, random: SeededRandom, open: () => Promise<ObjectStore> } {
  const random = new SeededRandom(seed)
  const fileSystem = new SimulatedFileSystem({ clock, random: random.fork('files') })
  return { fileSystem, random, open: () => plugin.open({ path: '/data/objects' }, testEnvironment({ clock, random, fileSystem })) }
}

type Body = string | undefined

/** What each object may hold: one thing where the last change was confirmed, else any of several. */
class Ledger {
  readonly possible = new Map<string, ReadonlySet<Body>>()

  async change (key: string, to: Body, effect: () => Promise<unknown>): Promise<void> {
    const before = this.possible.get(key) ?? new Set([undefined])
    this.possible.set(key, new Set([...before, to]))
    await effect()
    this.possible.set(key, new Set([to]))
  }

  async check (store: ObjectStore): Promise<void> {
    const listed = new Set(await listAll(store, ''))
    for (const [key, possible] of this.possible) {
      const found = await store.get(key).then(bytes => Buffer.from(bytes).toString(), (error: unknown) => {
        if (!StreambedError.is(error, 'NOT_FOUND')) throw error
        return undefined
      })
      assert.ok(possible.has(found), `${key} holds ${String(found).slice(0, 20)}, not one of ${[...possible].map(body => String(body).slice(0, 20)).join(', ')}`)
      assert.equal(listed.delete(key), found !== undefined, `${key} is listed exactly when it exists`)
    }
    assert.deepEqual([...listed], [], 'nothing was invented')
  }
}

async function work (store: ObjectStore, ledger: Ledger, random: SeededRandom): Promise<void> {
  for (;;) {
    const key = `${random.below(3)}/${random.below(2)}/${random.below(3)}`
    const body = `${random.fraction()} ${'x'.repeat(random.below(3) * 40_000)}`
    const choice = random.fraction()
    if (choice < 0.5) await ledger.change(key, body, () => store.put(key, Buffer.from(body)))
    else if (choice < 0.65) {
      try {
        await ledger.change(key, body, () => store.put(key, Buffer.from(body), { ifAbsent: true }))
      } catch (error) {
        if (!StreambedError.is(error, 'ALREADY_EXISTS')) throw error
        const kept = [...ledger.possible.get(key)!].filter(possible => possible !== undefined && possible !== body)
        ledger.possible.set(key, new Set(kept))
      }
    } else if (choice < 0.9) {
      await ledger.change(key, undefined, async () => {
        for (const outcome of await store.delete([key])) if (outcome.kind === 'failed') throw outcome.error
      })
    } else {
      const upload = await store.startMultipart(key)
      await upload.uploadPart(2, Buffer.from(body.slice(10)))
      await upload.uploadPart(1, Buffer.from(body.slice(0, 10)))
      await ledger.change(key, body, () => upload.complete())
    }
  }
}

describe('object-store-fs: crashes', () => {
  for (let seed = 0; seed < 40; seed++) {
    it(`keeps what was confirmed, whole, through crashes at any operation (seed ${seed})`, async () => {
      const { fileSystem, random, open } = newSystem(`crash-${seed}`)
      const ledger = new Ledger()
      for (let life = 0; life < 10; life++) {
        const dies = fileSystem.operationCount + 1 + random.below(life % 3 === 0 ? 40 : 600)
        const how = random.fraction() < 0.7 ? 'crash' : 'kill'
        fileSystem.plan = () => fileSystem.operationCount >= dies ? how : undefined
        await open().then(async store => {
          await ledger.check(store)
          await work(store, ledger, random.fork(`life-${life}`))
        }).catch((error: unknown) => { if (!StreambedError.is(error, 'UNAVAILABLE', 'OUTCOME_UNKNOWN')) throw error })
      }
      fileSystem.plan = undefined
      fileSystem.kill()
      const store = await open()
      await ledger.check(store)
      await store.close()
      assert.deepEqual(await fileSystem.list('/data/objects/temporary'), [], 'leftovers of the dead are removed')
    })
  }
})

describe('object-store-fs: failing files', () => {
  function failing (operation: FileOperation, code: ErrorCode, times = Infinity): FileFaultPlan {
    let left = times
    return called => called === operation && left-- > 0 ? { kind: 'fail', code } : undefined
  }

  const puts: readonly { readonly operation: FileOperation, readonly code: ErrorCode, readonly want: ErrorCode, readonly ifAbsent: boolean }[] = [
    { operation: 'open', code: 'PERMISSION_DENIED', want: 'PERMISSION_DENIED', ifAbsent: false },
    { operation: 'open', code: 'NOT_FOUND', want: 'UNAVAILABLE', ifAbsent: false },
    { operation: 'write', code: 'OUT_OF_SPACE', want: 'OUT_OF_SPACE', ifAbsent: true },
    { operation: 'write', code: 'UNAVAILABLE', want: 'UNAVAILABLE', ifAbsent: true },
    { operation: 'datasync', code: 'UNAVAILABLE', want: 'UNAVAILABLE', ifAbsent: false },
    { operation: 'makeDirectory', code: 'OUT_OF_SPACE', want: 'OUT_OF_SPACE', ifAbsent: false },
    { operation: 'makeDirectory', code: 'NOT_FOUND', want: 'UNAVAILABLE', ifAbsent: false },
    { operation: 'rename', code: 'UNAVAILABLE', want: 'OUTCOME_UNKNOWN', ifAbsent: false },
    { operation: 'rename', code: 'OUT_OF_SPACE', want: 'OUT_OF_SPACE', ifAbsent: false },
    { operation: 'rename', code: 'NOT_FOUND', want: 'UNAVAILABLE', ifAbsent: false },
    { operation: 'link', code: 'UNAVAILABLE', want: 'OUTCOME_UNKNOWN', ifAbsent: true }
  ]
  for (const { operation, code, want, ifAbsent } of puts) {
    it(`a put whose ${operation} fails with ${code} rejects with ${want}, and leaves nothing behind`, async () => {
      const { fileSystem, open } = newSystem('put')
      const store = await open()
      fileSystem.plan = failing(operation, code)
      const error = await rejectsWith(store.put('a/b', pattern(1000), { ifAbsent }), want)
      assert.match(error.message, /a\/b/)
      assert.match(error.message, /\/data\/objects/)
      fileSystem.plan = undefined
      await rejectsWith(store.get('a/b'), 'NOT_FOUND')
      await store.put('a/b', pattern(1000), { ifAbsent })
      await store.close()
      assert.deepEqual(await fileSystem.list('/data/objects/temporary'), [])
    })
  }

  it('a put whose folder cannot be synced is in doubt', async () => {
    const { fileSystem, open } = newSystem('sync')
    const store = await open()
    await store.put('a/b', pattern(10))
    fileSystem.plan = failing('syncDirectory', 'UNAVAILABLE')
    await rejectsWith(store.put('a/b', pattern(20)), 'OUTCOME_UNKNOWN')
    fileSystem.plan = undefined
    assert.equal((await store.get('a/b')).length, 20)
    await store.close()
  })

  it('a link that was made although it reported a rival is our own win, told by the token', async () => {
    const { fileSystem, open } = newSystem('token')
    const store = await open()
    await store.put('other', pattern(1))
    const link = fileSystem.link.bind(fileSystem)
    fileSystem.link = async (from, to) => { await link(from, to); await link(from, to) }
    await store.put('a', pattern(10), { ifAbsent: true })
    await rejectsWith(store.put('a', pattern(20), { ifAbsent: true }), 'ALREADY_EXISTS')
    fileSystem.link = link
    sameBytes(await store.get('a'), pattern(10))
    fileSystem.plan = failing('read', 'UNAVAILABLE')
    await rejectsWith(store.put('a', pattern(20), { ifAbsent: true }), 'OUTCOME_UNKNOWN')
    fileSystem.plan = undefined
    await store.close()
  })

  it('reads, listings, deletes and sweeps report what fails', async () => {
    const { fileSystem, open } = newSystem('reads')
    const store = await open()
    await store.put('a/b', pattern(10))
    await store.startMultipart('c')
    const attempt = async (operation: FileOperation, code: ErrorCode, call: () => Promise<unknown>, want: ErrorCode): Promise<void> => {
      fileSystem.plan = failing(operation, code)
      await rejectsWith(call(), want)
      fileSystem.plan = undefined
    }
    await attempt('open', 'PERMISSION_DENIED', () => store.get('a/b'), 'PERMISSION_DENIED')
    await attempt('read', 'UNAVAILABLE', () => store.get('a/b'), 'UNAVAILABLE')
    await attempt('read', 'UNAVAILABLE', () => store.head('a/b'), 'UNAVAILABLE')
    await attempt('read', 'UNAVAILABLE', () => store.list(''), 'UNAVAILABLE')
    await attempt('list', 'PERMISSION_DENIED', () => store.list(''), 'PERMISSION_DENIED')
    await attempt('list', 'UNAVAILABLE', () => store.sweepUploads('', Infinity), 'UNAVAILABLE')
    await attempt('makeDirectory', 'OUT_OF_SPACE', () => store.startMultipart('d'), 'OUT_OF_SPACE')
    for (const operation of ['remove', 'syncDirectory'] as const) {
      fileSystem.plan = failing(operation, 'PERMISSION_DENIED')
      const [outcome] = await store.delete(['a/b'])
      assert.ok(outcome?.kind === 'failed' && StreambedError.is(outcome.error, 'PERMISSION_DENIED'))
    }
    fileSystem.plan = undefined
    await store.close()
  })

  it('an upload whose folder was swept, or whose disk fails, says so', async () => {
    const { fileSystem, open } = newSystem('upload')
    const store = await open()
    const upload = await store.startMultipart('a')
    fileSystem.plan = failing('write', 'OUT_OF_SPACE')
    await rejectsWith(upload.uploadPart(1, pattern(10)), 'OUT_OF_SPACE')
    fileSystem.plan = failing('list', 'UNAVAILABLE')
    await rejectsWith(upload.abort(), 'UNAVAILABLE')
    fileSystem.plan = undefined
    await store.sweepUploads('', Infinity)
    await rejectsWith(upload.uploadPart(1, pattern(10)), 'NOT_FOUND')
    await upload.abort()
    await store.close()
  })

  it('leftovers that cannot be removed do no harm', async () => {
    const { fileSystem, open } = newSystem('leftovers')
    const store = await open()
    const upload = await store.startMultipart('b')
    await upload.uploadPart(1, pattern(10))
    fileSystem.plan = failing('remove', 'PERMISSION_DENIED')
    await store.put('a', pattern(10), { ifAbsent: true })
    await upload.complete()
    await store.close()
    await (await open()).close()
    fileSystem.plan = undefined
    const again = await open()
    await again.get('a')
    await again.close()
    assert.deepEqual(await fileSystem.list('/data/objects/temporary'), [])
  })

  it('preflight names each problem and its remedy', async () => {
    const { fileSystem, open } = newSystem('preflight')
    const store = await open()
    const cases: readonly (readonly [FileOperation, ErrorCode, RegExp])[] = [
      ['stat', 'NOT_FOUND', /another path/], ['syncDirectory', 'UNAVAILABLE', /mounted/], ['open', 'PERMISSION_DENIED', /permission/], ['write', 'OUT_OF_SPACE', /space/],
      ['link', 'PERMISSION_DENIED', /hard links/]
    ]
    for (const [operation, code, remedy] of cases) {
      fileSystem.plan = failing(operation, code)
      const findings = await store.preflight()
      assert.equal(findings.length, 1, operation)
      assert.match(findings[0]!.remedy, remedy)
    }
    fileSystem.plan = undefined
    assert.deepEqual(await store.preflight(), [])
    await store.close()
  })

  it('an open that fails leaves nothing locked', async () => {
    const { fileSystem, open } = newSystem('open')
    for (const operation of ['stat', 'readFile', 'makeDirectory', 'list', 'lock', 'open', 'write', 'rename'] as const) {
      fileSystem.plan = failing(operation, 'PERMISSION_DENIED')
      const error = await rejectsWith(open(), 'PERMISSION_DENIED')
      assert.match(error.message, /read and write permission/)
    }
    fileSystem.plan = undefined
    await (await open()).close()
    assert.deepEqual(await fileSystem.list('/data/objects/temporary'), [])
  })

  it('refuses a path that is a file, another program\'s folder, or a newer layout', async () => {
    const { fileSystem, open } = newSystem('not-ours')
    await fileSystem.makeDirectory('/data')
    await (await fileSystem.open('/data/objects', 'create')).close()
    await rejectsWith(open(), 'MISCONFIGURED')
    await fileSystem.remove('/data/objects')
    await fileSystem.makeDirectory('/data/objects')
    const mark = await fileSystem.open('/data/objects/streambed-format', 'create')
    await mark.write([Buffer.from('photos\n')], 0)
    await rejectsWith(open(), 'MISCONFIGURED')
    await mark.write([Buffer.from('streambed object-store-fs 12\n')], 0)
    assert.match((await rejectsWith(open(), 'UNSUPPORTED')).message, /layout 12.*knows 1/)
  })
})
