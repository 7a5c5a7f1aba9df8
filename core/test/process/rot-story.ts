import path from 'node:path'
import { BrokerLife, type Acknowledged, type Image, type Storage } from './broker-life.ts'

export type Stop = 'clean' | 'killed'

/** A moment of a broker's life: what stood in its folders, and what it had acknowledged. */
export interface Moment { readonly name: string, readonly image: Image, readonly acknowledged: Acknowledged }

/** How a life ended; a moment is an end, too: that of a broker that was killed then. */
export interface End extends Moment {
  readonly stop: Stop
  /** Of the moments, how many came before. */
  readonly at: number
  /** The first moment after the last opening, and after the last upload before this end. */
  readonly openedAt: number
  readonly uploadedAt: number
}

export interface Story { readonly life: BrokerLife, readonly moments: readonly Moment[], readonly ends: readonly End[] }

const MiB = 2 ** 20
const ofFolder = (folder: string): Pick<Storage, 'metadata'> => ({ metadata: { plugin: 'file', path: path.join(folder, 'metadata') } })
const ofStore = { metadata: { plugin: 'object', pollIntervalMsMin: 1, pollIntervalMsMax: 5 } }

/** Backends by the kind of their WAL; `name` is that of the WAL's place, of which there may be several. */
export const storages: Readonly<Record<string, (folder: string, name?: string) => Storage>> = {
  'regional-disk': (folder, name = 'wal') => ({ ...ofFolder(folder), wal: { plugin: 'regional-disk', path: path.join(folder, name), capacity: 4 * MiB } }),
  efs: (folder, name = 'wal') => ({ ...ofFolder(folder), wal: { plugin: 'efs', path: path.join(folder, name), capacity: 4 * MiB, segmentBytes: MiB } }),
  object: (_folder, name = 'wal') => ({ ...ofStore, wal: { plugin: 'object', prefix: name } })
}

const large = (n: number): string => `large-${n};`.padEnd(80_000, '.')
/** Only the whole tale is told for each kind of WAL; the others differ in what their plugins do, not in what the core does. */
const endsOfAll = ['their objects deleted']

/**
 * Tells the life of a broker: two openings, topics, records, a group, uploads, deletions; then it is killed under load, and after that
 * stopped. The last two ends are those.
 */
export async function tellStory (folder: string, kind: string): Promise<Story> {
  const life = new BrokerLife(folder, storages[kind]!)
  const moments: Moment[] = []
  const ends: End[] = []
  let openedAt = 0
  let uploadedAt = 0
  const now = (name: string): Moment => ({ name, image: life.image(), acknowledged: life.acknowledged })
  const endAt = (moment: Moment, stop: Stop): void => { ends.push({ ...moment, stop, at: moments.length, openedAt, uploadedAt }) }
  const pass = (name: string): void => {
    const moment = now(name)
    if (openedAt > 0 && (kind === 'regional-disk' || endsOfAll.includes(name))) endAt(moment, 'killed')
    moments.push(moment)
  }
  {
    await using live = await life.open()
    pass('founded')
    await life.createTopic(live, 'a')
    for (let n = 0; n < 4; n++) await life.produce(live, 'a', `a-${n}`)
    for (let n = 0; n < 15; n++) await life.produce(live, 'a', large(n))
    await live.broker.engine.flush()
    await life.produce(live, 'a', 'after upload')
  }
  pass('stopped')
  openedAt = uploadedAt = moments.length
  await using live = await life.open()
  pass('started again')
  for (let n = 0; n < 4; n++) await life.produce(live, 'a', `again-${n}`)
  pass('records appended')
  await life.createTopic(live, 'b')
  for (let n = 0; n < 4; n++) await life.produce(live, 'b', `b-${n}`)
  pass('records of it appended')
  await life.commit(live, 2)
  pass('a group committed')
  for (let n = 0; n < 20; n++) await life.produce(live, 'b', large(n))
  await live.broker.engine.flush()
  uploadedAt = moments.length
  pass('records uploaded')
  await life.produce(live, 'b', 'after upload')
  await life.deleteRecords(live, 'a', 12)
  pass('records deleted')
  await live.broker.engine.collectGarbage()
  await life.commit(live, 20)
  pass('their objects deleted')
  for (let n = 0; n < 20; n++) await life.produce(live, 'b', large(n))
  await live.broker.engine.flush()
  await life.commit(live, 21)
  uploadedAt = moments.length
  for (let n = 0; n < 3; n++) await life.produce(live, 'b', `b-last-${n}`)
  pass('just before')
  for (let n = 0; n < 3; n++) await life.produce(live, 'a', `a-last-${n}`)
  await Promise.all(Array.from({ length: 12 }, async (_, n) => {
    await life.produce(live, 'a', `load-${n}`)
    if (n === 5) endAt(now('killed under load'), 'killed')
  }))
  await live[Symbol.asyncDispose]()
  endAt(now('stopped cleanly'), 'clean')
  return { life, moments, ends }
}
