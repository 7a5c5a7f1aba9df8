import type { Wal, WalCapabilities, WalIdentity, WalOpening, WalWriter } from '@streambed/sdk'
import assert from 'node:assert/strict'
import { pattern, rejectsWith, sameBytes } from '../assertions.ts'

export type OpenWal = (writer: WalWriter, opening?: WalOpening) => Promise<Wal>

/** What the checks of W-10 to W-13 need besides a place of their own. */
export interface IdentityBench {
  readonly capabilities: WalCapabilities
  readonly check: (id: string, behaviour: string, body: (open: OpenWal) => Promise<void>) => void
  /** Told of a check that is not about this log, and why. */
  readonly skip: (id: string, behaviour: string, reason: string) => void
  /** Runs `body` on a second place. */
  readonly elsewhere: (body: (open: OpenWal) => Promise<void>) => Promise<void>
}

/** Said wherever the results of a log without identity are shown. */
export const noIdentityNote = 'This log cannot tell whether it is the one that was used before: a folder that is not mounted, or another log in its place, is taken for it without a word. Its host warns of that at every start.'

const writer = (writerEpoch: number): WalWriter => ({ clusterId: 'conformance', nodeId: 7, writerEpoch })
const openings = (expectedId?: string): readonly WalOpening[] => (['own', 'takeover'] as const).map(mode => ({ mode, ...expectedId === undefined ? {} : { expectedId } }))

/** W-10 to W-13, or for a log that does not declare them, that it says so at every open. */
export function identityChecks ({ capabilities, check, elsewhere, skip }: IdentityBench): void {
  const isDeclared = capabilities.identity === true
  const checkDeclared: IdentityBench['check'] = (id, behaviour, body) => {
    if (isDeclared) check(id, behaviour, body)
    else skip(id, behaviour, noIdentityNote)
  }

  if (isDeclared) skip('W-I07', undeclaredBehaviour, 'the log declares an identity')
  else {
    check('W-I07', undeclaredBehaviour, async open => {
      for (const epoch of [1, 2]) {
        const wal = await open(writer(epoch))
        assert.equal(wal.identity, undefined, 'an identity is told that is not declared: declare it, or leave it out')
        await wal.close()
      }
    })
  }

  checkDeclared('W-I01', 'has one identity for as long as it lives, and none that another log has (W-10)', async open => {
    const first = await open(writer(1))
    const { id } = identityOf(first)
    assert.match(id, /^[A-Za-z0-9_-]{1,64}$/)
    await first.append([pattern(10)])
    await first.close()
    for (const [index, opening] of [undefined, ...openings(), ...openings(id)].entries()) {
      const wal = await open(writer(2 + index), opening)
      assert.equal(identityOf(wal).id, id, `opened with ${JSON.stringify(opening)}`)
      await wal.close()
    }
    if (capabilities.fencing !== 'lock') {
      await open(writer(10))
      assert.equal(identityOf(await open(writer(11), { mode: 'takeover', expectedId: id })).id, id, 'taken over from a writer that lives')
    }
    await elsewhere(async openOther => {
      assert.notEqual(identityOf(await openOther(writer(1))).id, id, 'two logs have one identity')
    })
  })

  checkDeclared('W-I02', 'makes nothing where there was a log and none is: own and takeover are refused, again and again (W-11, W-12)', async open => {
    for (const opening of [...openings(), ...openings('0123456789abcdef'), ...openings()]) await rejectsWith(open(writer(9), opening), 'WRONG_MEDIUM')
    // Nobody was fenced either: an epoch below the refused ones gets in.
    const wal = await open(writer(1), { mode: 'create' })
    const { last, trimmed, writerEpoch } = identityOf(wal)
    assert.deepEqual({ last, trimmed, writerEpoch }, { last: -1, trimmed: -1, writerEpoch: -1 })
    for await (const record of wal.recover()) assert.fail(`a new log recovers a record. position=${record.position}`)
    await wal.append([pattern(10)])
  })

  checkDeclared('W-I03', 'refuses a log with another identity than the one expected, and leaves it to its writer (W-11, W-12)', async open => {
    const live = await open(writer(1))
    const { id } = identityOf(live)
    const kept = [await live.append([pattern(100, 1)])]
    if (capabilities.fencing === 'lock') await live.close()
    await elsewhere(async openOther => {
      const other = await openOther(writer(1))
      for (const opening of openings(identityOf(other).id)) {
        await rejectsWith(open(writer(9), opening), 'WRONG_MEDIUM')
        if (capabilities.fencing !== 'lock') kept.push(await live.append([pattern(100, kept.length + 1)]))
      }
    })
    const next = await open(writer(2), { mode: 'own', expectedId: id })
    assert.deepEqual(await positionsOf(next), kept)
  })

  checkDeclared('W-I04', 'opens with create the log that is there: its maker may have died before its identity was noted (W-11)', async open => {
    const first = await open(writer(1), { mode: 'create' })
    const { id } = identityOf(first)
    const position = await first.append([pattern(500)])
    await first.close()
    const second = await open(writer(2), { mode: 'create' })
    assert.equal(identityOf(second).id, id)
    const records = []
    for await (const record of second.recover()) records.push(record)
    assert.deepEqual(records.map(record => record.position), [position])
    sameBytes(records[0]!.data, pattern(500))
  })

  checkDeclared('W-I09', 'gives all who create it at once the same identity (W-10)', async open => {
    const outcomes = await Promise.allSettled([1, 2, 3, 4].map(epoch => open(writer(epoch), { mode: 'create' })))
    const ids = new Set<string>()
    for (const outcome of outcomes) {
      if (outcome.status === 'fulfilled') ids.add(identityOf(outcome.value).id)
      else await rejectsWith(Promise.reject(outcome.reason as Error), 'FENCED', 'LOCKED')
    }
    assert.equal(ids.size, 1, `${ids.size} identities of one log`)
    for (const outcome of outcomes) if (outcome.status === 'fulfilled') await outcome.value.close()
    assert.deepEqual([identityOf(await open(writer(5), { mode: 'own' })).id], [...ids])
  })

  checkDeclared('W-I05', 'says truly where it ends, what is trimmed, and who had it open (W-13)', async open => {
    const first = await open(writer(1))
    const positions: number[] = []
    for (let n = 0; n < 5; n++) positions.push(await first.append([pattern(300, n)]))
    await first.trim(positions[2]!)
    // From this one on the trim is durable.
    positions.push(await first.append([pattern(300, 5)]))
    await first.close()
    const second = await open(writer(4), { mode: 'own' })
    assert.deepEqual(factsOf(second), { writerEpoch: 1, last: positions[5], trimmed: positions[2] }, 'after appends, a trim and a clean close')
    await second.trim(positions[5]!)
    await second.close()
    const third = await open(writer(6))
    const { last, trimmed, writerEpoch } = identityOf(third)
    assert.deepEqual({ last, writerEpoch }, { last: positions[5], writerEpoch: 4 }, 'after all is trimmed')
    assert.ok(trimmed >= positions[2]! && trimmed <= positions[5]!, `trimmed=${trimmed}`)
    for (const position of await positionsOf(third)) assert.ok(position > trimmed && position <= last, `recovered ${position}, and says trimmed=${trimmed} last=${last}`)
    if (capabilities.fencing === 'lock') return
    const confirmed = await third.append([pattern(300, 6)])
    const fourth = await open(writer(7), { mode: 'takeover' })
    const taken = factsOf(fourth)
    assert.equal(taken.writerEpoch, 6)
    assert.ok(taken.last >= confirmed, `last=${taken.last} is before ${confirmed}, which was confirmed`)
  })

  checkDeclared('W-I06', 'refuses the log of another cluster or node in every mode, and leaves it to its writer (W-11, W-12)', async open => {
    const live = await open(writer(1))
    const { id } = identityOf(live)
    await live.append([pattern(10)])
    if (capabilities.fencing === 'lock') await live.close()
    for (const other of [{ ...writer(9), clusterId: 'another' }, { ...writer(9), nodeId: 8 }]) {
      // A log that keeps those of different nodes apart by itself finds none there.
      for (const opening of [...openings(), ...openings(id)]) await rejectsWith(open(other, opening), 'MISCONFIGURED', 'WRONG_MEDIUM')
    }
    if (capabilities.fencing !== 'lock') await live.append([pattern(10, 2)])
    assert.equal(identityOf(await open(writer(2), { mode: 'own', expectedId: id })).id, id)
  })
}

const undeclaredBehaviour = 'tells no identity, as it declares (W-10)'

export function identityOf (wal: Wal): WalIdentity {
  assert.ok(wal.identity !== undefined, 'the log declares an identity and tells none')
  return wal.identity
}

function factsOf (wal: Wal): Omit<WalIdentity, 'id'> {
  const { last, trimmed, writerEpoch } = identityOf(wal)
  return { last, trimmed, writerEpoch }
}

async function positionsOf (wal: Wal): Promise<number[]> {
  const positions: number[] = []
  for await (const { position } of wal.recover()) positions.push(position)
  return positions
}
