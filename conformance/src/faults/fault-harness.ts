import { StreambedError, withRetry, type Clock, type Random, type RetryHost } from '@streambed/sdk'
import type { Runner } from '../harness.ts'
import type { FaultProxy } from '../fault-proxy/fault-proxy.ts'
import type { Rule } from './fault.ts'
import { whyNot, type FaultName, type FaultPlane, type PlaneKind } from './fault-plane.ts'

/** A check could not be run: not passed, and not failed. The message says why, and how to run it where it can be. */
export class NotRun extends Error {
  override readonly name = 'NotRun'
  /** `notRun`: not in this configuration. `notApplicable`: it is not about this plugin. `missing`: this version of the suite cannot. */
  readonly outcome: 'notRun' | 'notApplicable' | 'missing'

  constructor (message: string, outcome: NotRun['outcome'] = 'notRun') {
    super(message)
    this.outcome = outcome
  }
}

/** How long things take in the checks that make faults. */
export interface Pace {
  /** How long a spell of faults lasts, and the longest delay of one call. */
  readonly spellMs: number
  /** Within this a call ends although nobody answers it. */
  readonly callMsMax: number
}
export const defaultPace: Pace = Object.freeze({ spellMs: 2_000, callMsMax: 30_000 })

export interface OpenUnderFaults {
  /** In force while it opens, and afterwards. */
  readonly rules?: readonly Rule[]
  /** The plugin is given its endpoint under this name, which it must look up. */
  readonly endpointName?: string
  /** Added to the wall clock that the instance sees. */
  readonly wallOffsetMs?: number
}

export interface Faulty<Subject> { readonly subject: Subject, readonly plane: FaultPlane | FaultProxy }

export interface FaultMedium<Subject, Arguments extends readonly unknown[]> {
  /** Opens an instance behind a plane of its own: each as if on a machine of its own. */
  open (given: OpenUnderFaults, ...args: Arguments): Promise<Faulty<Subject>>
  /** Ends the planes and removes the medium. Called once, after every instance was closed. */
  cleanUp (): Promise<void>
}

/** What the checks of level fault are run against. */
export interface FaultHarness<Subject, Capabilities, Arguments extends readonly unknown[] = []> {
  readonly name: string
  readonly capabilities: Capabilities
  /** Where faults enter. */
  readonly planeKind: PlaneKind
  readonly pace: Pace
  readonly clock: Clock
  readonly random: Random
  /** What the instances have counted so far, by the metric's name. Absent: checks of counters are not run. */
  readonly counters?: () => Readonly<Record<string, number>>
  prepare (): Promise<FaultMedium<Subject, Arguments>>
}

/** What one check has to work with. */
export interface FaultBench<Subject, Arguments extends readonly unknown[]> {
  readonly kind: PlaneKind
  readonly pace: Pace
  readonly clock: Clock
  readonly random: Random
  readonly counters: (() => Readonly<Record<string, number>>) | undefined
  readonly open: (given: OpenUnderFaults, ...args: Arguments) => Promise<Faulty<Subject>>
}

export type FaultCheck<Subject, Arguments extends readonly unknown[]> =
  (id: string, behaviour: string, needs: readonly FaultName[], body: (bench: FaultBench<Subject, Arguments>) => Promise<void>) => void

/** Registers checks that a plane can bear; tells the runner of the others, with the reason. */
export function faultChecks<Subject extends AsyncDisposable, Capabilities, Arguments extends readonly unknown[]> (runner: Runner, harness: FaultHarness<Subject, Capabilities, Arguments>): FaultCheck<Subject, Arguments> {
  // Where faults cannot enter once, they cannot enter in the next check either.
  let unseenBefore: NotRun | undefined
  const run = async (body: (bench: FaultBench<Subject, Arguments>) => Promise<void>): Promise<void> => {
    if (unseenBefore !== undefined) throw unseenBefore
    await underFaults(harness, body, unseen => { unseenBefore = unseen })
  }
  return (id, behaviour, needs, body) => {
    const name = `${id} ${behaviour}`
    const reason = needs.map(need => whyNot(harness.planeKind, need)).find(found => found !== undefined)
    if (reason === undefined) runner.it(name, () => run(body))
    else runner.skip?.(name, reason)
  }
}

async function underFaults<Subject extends AsyncDisposable, Capabilities, Arguments extends readonly unknown[]> (
  harness: FaultHarness<Subject, Capabilities, Arguments>, body: (bench: FaultBench<Subject, Arguments>) => Promise<void>, onUnseen: (unseen: NotRun) => void
): Promise<void> {
  const { clock, counters, pace, planeKind, random } = harness
  const medium = await harness.prepare()
  const planes: FaultPlane[] = []
  try {
    await using owned = new AsyncDisposableStack()
    owned.defer(async () => { await medium.cleanUp() })
    await body({
      kind: planeKind, pace, clock, random, counters,
      open: async (given, ...args) => {
        const faulty = await medium.open(given, ...args)
        planes.push(faulty.plane)
        owned.defer(async () => {
          faulty.plane.heal()
          await faulty.subject[Symbol.asyncDispose]()
        })
        return faulty
      }
    })
  } finally {
    // What a check says of faults that never happened is worth nothing, whether it passed or failed.
    if (planes.length > 0 && planes.every(({ passages }) => passages === 0)) {
      const unseen = new NotRun(whyUnseen(planeKind))
      onUnseen(unseen)
      // oxlint-disable-next-line no-unsafe-finally -- it replaces the verdict on purpose
      throw unseen
    }
  }
}

function whyUnseen (kind: PlaneKind): string {
  switch (kind) {
    case 'endpoint': return 'no request of the plugin came through the fault proxy: write {proxy:URL} where its options name the endpoint that it talks to'
    case 'files': return "the plugin makes no call on its environment's file system, where faults would enter; write {proxy:URL} for an endpoint of HTTP in its options"
    case 'store': return 'the plugin makes no call on its object store, where faults would enter'
  }
}

/** Does what a broker does of failures: tries again what may be tried again, a bounded number of times, with growing pauses. */
export class Persistence {
  /** Attempts made, the first ones included. */
  attempts = 0
  readonly #host: RetryHost
  readonly #triesMax: number

  constructor ({ clock, random, triesMax = 60 }: RetryHost & { readonly triesMax?: number }) {
    this.#host = { clock, random }
    this.#triesMax = triesMax
  }

  /** For what may be done twice: OUTCOME_UNKNOWN is tried again too. `onFailure` sees each failure, and may throw to end it. */
  async until<T> (action: () => Promise<T>, onFailure: (error: StreambedError) => void = () => undefined): Promise<T> {
    return await withRetry(() => {
      this.attempts++
      return action()
    }, this.#host, {
      delayMsMin: 10,
      delayMsMax: 200,
      deadlineMs: Infinity,
      attemptsMax: this.#triesMax,
      isWorthRepeating: error => StreambedError.is(error) && (error.retriable || error.code === 'OUTCOME_UNKNOWN'),
      onFailed: ({ error }) => { onFailure(error as StreambedError) }
    })
  }
}
