// Holds a plugin, on a double of its service, to the table of odd answers.
import assert from 'node:assert/strict'
import { StreambedError, type Environment, type ObjectStore } from '@streambed/sdk'
import { VirtualClock, testEnvironment } from '@streambed/sdk/testing'
import { OddFront, type Call } from './front.ts'
import { names, objectBytes, oddAnswers, rangeAsked, type Asked, type OddAnswer, type Outcome } from './odd-answers.ts'
import { wordsOf, type Cloud } from './words.ts'

export interface Double { readonly endpoint: string, readonly objects: { clear (): void, get (name: string): { readonly bytes: Buffer } | undefined, has (name: string): boolean }, nowMs: number, stop (): Promise<void> }
export interface OddAnswerTests {
  readonly cloud: Cloud
  readonly start: () => Promise<Double>
  /** Opens the plugin on `double`, reached by `endpoint`, below the prefix `pre/`. */
  readonly open: (double: Double, endpoint: string, environment: Environment) => Promise<ObjectStore>
}

/** One call, by the request that is answered oddly; resolves with whether what it gave is the truth. */
interface Ask { readonly call: Call, readonly prepare?: (scene: Scene) => Promise<unknown>, readonly ask: (scene: Scene, prepared: unknown) => Promise<boolean> }

const isStored = ({ double }: Scene, name: string, bytes: Uint8Array): boolean => double.objects.get(`pre/${name}`)?.bytes.equals(bytes) === true

const asks: Readonly<Record<Asked, Ask>> = {
  whole: { call: 'get', ask: async ({ store }) => objectBytes.equals(await store.get('a')) },
  range: { call: 'get', ask: async ({ store }) => objectBytes.subarray(rangeAsked.start, rangeAsked.end).equals(await store.get('a', { range: rangeAsked })) },
  head: { call: 'head', ask: async ({ store }) => (await store.head('a')).size === objectBytes.length },
  missing: { call: 'head', ask: async ({ store }) => await store.head('missing').then(() => false) },
  list: { call: 'list', ask: async ({ store }) => { const { isLast, objects } = await store.list(''); return isLast && objects.map(({ key }) => key).join() === names.join() } },
  page: { call: 'list', ask: async ({ store }) => { const { objects } = await store.list('', { startAfter: 'a', limit: 2 }); return objects.map(({ key }) => key).join() === names.slice(1).join() } },
  put: { call: 'put', ask: async scene => { await scene.store.put('put', objectBytes); return isStored(scene, 'put', objectBytes) } },
  create: { call: 'put', ask: async scene => { await scene.store.put(`create${scene.times}`, objectBytes, { ifAbsent: true }); return isStored(scene, `create${scene.times}`, objectBytes) } },
  delete: {
    call: 'delete',
    ask: async ({ double, store }) => {
      const outcomes = await store.delete(['b', 'c/d'])
      const failed = outcomes.find(outcome => outcome.kind === 'failed')
      if (failed !== undefined) throw failed.error
      return !double.objects.has('pre/b') && !double.objects.has('pre/c/d')
    }
  },
  part: {
    call: 'part',
    prepare: async ({ store }) => await store.startMultipart('parts'),
    ask: async (_, upload) => { await (upload as Awaited<ReturnType<ObjectStore['startMultipart']>>).uploadPart(1, objectBytes); return true }
  },
  complete: {
    call: 'complete',
    prepare: async ({ store }) => {
      const upload = await store.startMultipart('parts')
      await upload.uploadPart(1, objectBytes)
      return upload
    },
    ask: async (scene, upload) => { await (upload as Awaited<ReturnType<ObjectStore['startMultipart']>>).complete(); return isStored(scene, 'parts', objectBytes) }
  }
}

/** A plugin, and its service behind a front that answers oddly when it is told to. */
class Scene implements AsyncDisposable {
  readonly double: Double
  readonly store: ObjectStore
  /** A name that nothing was created under. */
  times = 0
  readonly #cloud: Cloud
    readonly #front: OddFront

  static async open ({ cloud, open, start }: OddAnswerTests): Promise<Scene> {
    const clock = new VirtualClock()
    const double = await start()
    double.nowMs = clock.wallMs()
    const front = await OddFront.start(double.endpoint)
    return new Scene(cloud, clock, double, front, await open(double, front.endpoint, testEnvironment({ clock })))
  }

  private constructor (cloud: Cloud, clock: VirtualClock, double: Double, front: OddFront, store: ObjectStore) {
    this.double = double
    this.store = store
    this.#cloud = cloud
    this.#front = front
    front.onStall = () => {
      clock.advance(3_600_000)
      // Signatures are of the hour.
      double.nowMs = clock.wallMs()
    }
  }

  /** What the call makes of the odd answer; and, where it is to be asked again, that it then gets the truth. */
  async outcomeOf (odd: OddAnswer, { ask, call, prepare }: Ask): Promise<string> {
    this.double.objects.clear()
    for (const name of names) await this.store.put(name, objectBytes)
    const prepared = await prepare?.(this)
    const attempt = (): Promise<string> => {
      this.times++
      return ask(this, prepared).then(isRight => isRight ? 'right' : 'WRONG', codeOf)
    }
    const before = this.#front.odd
    this.#front.befall = (asked, answer) => asked === call ? odd.make(answer, wordsOf[this.#cloud], this.#cloud, objectBytes) : undefined
    const outcome = await attempt()
    this.#front.befall = () => undefined
    if (this.#front.odd === before) return `${outcome}, and the call was not made`
    if (!['UNAVAILABLE', 'TIMEOUT', 'THROTTLED', 'OUTCOME_UNKNOWN'].includes(outcome)) return outcome
    const again = await attempt()
    return again === (ask === asks.missing.ask ? 'NOT_FOUND' : 'right') ? outcome : `${outcome}, and asked again ${again}`
  }

  async [Symbol.asyncDispose] (): Promise<void> {
    await this.store.close()
    await this.#front.stop()
    await this.double.stop()
  }
}

export function oddAnswerTests ({ cloud, open, start }: OddAnswerTests): void {
  describe(`odd answers of ${cloud}`, () => {
    for (const odd of oddAnswers) {
      const asked = (Object.keys(odd.outcomes) as Asked[]).filter(each => wantedOf(odd, each, cloud) !== undefined && (cloud !== 'azure' || (each !== 'part' && each !== 'complete')))
      if (asked.length === 0) continue
      it(odd.name, async () => {
        const got: Record<string, string> = {}
        await using scene = await Scene.open({ cloud, open, start })
        for (const each of asked) got[each] = await scene.outcomeOf(odd, asks[each])
        assert.deepEqual(got, Object.fromEntries(asked.map(each => [each, wantedOf(odd, each, cloud)])))
      })
    }
  })
}

function wantedOf ({ outcomes }: OddAnswer, asked: Asked, cloud: Cloud): Outcome | undefined {
  const outcome = outcomes[asked]
  return typeof outcome === 'object' ? outcome[cloud] : outcome
}

function codeOf (error: unknown): string { return StreambedError.is(error) ? error.code : `no StreambedError: ${String(error)}` }

