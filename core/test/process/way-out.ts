import assert from 'node:assert/strict'
import { StreambedError } from '@streambed/sdk'
import type { Loss } from '../../src/main/recover/recover.ts'
import { startOf, type Acknowledged, type BrokerLife, type Image, type LiveBroker } from './broker-life.ts'
import { storages } from './rot-story.ts'

export interface Refusal {
  readonly life: BrokerLife
  readonly kind: string
  /** What is refused, and what would not be. */
  readonly damaged: Image
  readonly right: Image
  /** What of it is damaged: a file, or a medium. */
  readonly isDamaged: (name: string) => boolean
  readonly acknowledged: Acknowledged
  /** What it is refused with. */
  readonly code: string
}

/**
 * Tries both ways out of a refusal: the right bytes are put back after refused starts; and what is lost is given up. `settings`: the
 * second does not exist, for what is there belongs to another, and the settings are wrong.
 */
export async function wayOut (refusal: Refusal): Promise<'given up' | 'settings'> {
  const told = await putBack(refusal)
  if (told === 'settings') return told
  await giveUp(refusal)
  return told
}

/** Neither refused starts nor a recovery that was not told what to give up do any harm. */
async function putBack ({ acknowledged, code, damaged, isDamaged, life, right }: Refusal): Promise<'given up' | 'settings'> {
  life.put(damaged)
  for (let start = 0; start < 3; start++) assert.equal((await startOf(life, acknowledged)).error?.code, code, `start ${start} after a refused one`)
  const told = await life.recover([]).then(() => assert.fail('recover finds nothing wrong'), (error: unknown) => error)
  assert.ok(StreambedError.is(told), String(told))
  for (const name of life.image().keys()) if (isDamaged(name)) life.putFile(name, undefined)
  for (const [name, bytes] of right) if (isDamaged(name)) life.putFile(name, bytes)
  const { verdict, why } = await startOf(life, acknowledged)
  assert.equal(verdict, 'whole', `with the right bytes back: ${why}`)
  return told.code === 'MISCONFIGURED' && !told.message.includes('--accept-loss') ? 'settings' : 'given up'
}

/** Does what the messages ask for, as an operator would. Gives what was given up, and the storage to go on with. */
async function accept ({ kind, life }: Refusal): Promise<{ readonly losses: readonly Loss[], readonly storage: object }> {
  const losses: Loss[] = []
  let storage = {}
  for (let step = 0; ; step++) {
    try {
      await life.recover(losses, storage)
      return { losses, storage }
    } catch (error) {
      assert.ok(StreambedError.is(error) && step < 5, `no way out: ${String(error)}`)
      const asked = /--accept-loss (\w+)/.exec(error.message)?.[1] as Loss | undefined
      if (/give storage\.wal a place where no log is yet/.test(error.message)) storage = { wal: storages[kind]!(life.folder, 'wal-2').wal }
      else if (asked !== undefined && !losses.includes(asked)) losses.push(asked)
      else throw error
    }
  }
}

async function giveUp (refusal: Refusal): Promise<void> {
  const { acknowledged, damaged, life } = refusal
  life.put(damaged)
  const { losses, storage } = await accept(refusal)
  const added = new Map<string, Map<number, string>>()
  let image: Image
  {
    await using live = await life.open(storage)
    await checkKept(live, acknowledged, losses)
    for (const topic of [...acknowledged.records.keys(), 'new']) await goOn(live, topic, acknowledged, added)
    await live.commit(7)
    image = life.image()
  }
  life.put(image)
  {
    await using live = await life.open(storage)
    for (const [topic, values] of added) {
      const found = await live.read(topic)
      for (const [offset, value] of values) assert.equal(found.get(offset), value, `${topic} ${offset}, acknowledged after the recovery`)
    }
    assert.equal(await live.committed(), 7)
  }
  await life.recover([], storage)
}

/** What can be read is right; a topic is gone only where metadata was given up. */
async function checkKept (live: LiveBroker, { everything }: Acknowledged, losses: readonly Loss[]): Promise<void> {
  const known = new Set((await live.client.topics(null)).map(({ name }) => name))
  for (const [topic, values] of everything) {
    if (!known.has(topic)) {
      assert.ok(losses.includes('metadata'), `${topic} is gone`)
      continue
    }
    const found = await live.readUntilTold(topic)
    for (const [offset, value] of found) assert.ok(values.get(offset) === value || (!values.has(offset) && value.startsWith('load-')), `${topic} ${offset}: ${value.slice(0, 20)}`)
  }
}

/** Appends to a topic, which is made if it is not there: past all that was ever given out. */
async function goOn (live: LiveBroker, topic: string, { everything }: Acknowledged, added: Map<string, Map<number, string>>): Promise<void> {
  const known = (await live.client.topics(null)).some(({ name }) => name === topic)
  if (!known) await live.client.createTopic(topic, { partitions: 1, configs: { 'retention.ms': '-1' } })
  const values = new Map<number, string>()
  for (let n = 0; n < 3; n++) {
    const value = `after-${topic}-${n}`
    const offset = await live.append(topic, value)
    if (known) assert.ok(!everything.get(topic)?.has(offset), `offset ${offset} of ${topic} is given out again`)
    values.set(offset, value)
  }
  added.set(topic, values)
}
