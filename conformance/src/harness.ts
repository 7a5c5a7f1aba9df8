import type {
  MetadataLog, MetadataLogCapabilities, ObjectStore, ObjectStoreCapabilities, Wal, WalCapabilities, WalOpening, WalWriter
} from '@streambed/sdk'

/** The part of a test runner that the suites use; those of mocha, node:test, vitest and jest fit. */
export interface Runner {
  readonly describe: (name: string, body: () => void) => unknown
  readonly it: (name: string, body: () => Promise<void>) => unknown
  /** Told of a check that this configuration cannot bear, and why. Absent: such checks go untold. */
  readonly skip?: (name: string, reason: string) => unknown
}

/** What a suite is run against. */
export interface Harness<Subject, Capabilities, Arguments extends readonly unknown[] = []> {
  /** Shown in the names of the tests. */
  readonly name: string
  /** As the plugin declares them: they alone choose what is not run. */
  readonly capabilities: Capabilities
  /** Makes an empty medium (a folder, a prefix, a bucket). Each check gets its own. */
  prepare (): Promise<Medium<Subject, Arguments>>
}

export interface Medium<Subject, Arguments extends readonly unknown[] = []> {
  /** Opens an instance on this medium: each call as if from another process. Instances open at once, where allowed. */
  open (...args: Arguments): Promise<Subject>
  /** Removes the medium. Called once, after every instance was closed. */
  cleanUp (): Promise<void>
}

export type ObjectStoreHarness = Harness<ObjectStore, ObjectStoreCapabilities>
/** `open` passes `opening` on to the plugin; absent: `create`. */
export type WalHarness = Harness<Wal, WalCapabilities, [writer: WalWriter, opening?: WalOpening]>
export type MetadataLogHarness = Harness<MetadataLog, MetadataLogCapabilities>

/** Opens instances for one check; closes them in reverse and removes the medium when `body` has settled. */
export async function onMedium<Subject extends AsyncDisposable, Arguments extends readonly unknown[]> (
  harness: { prepare (): Promise<Medium<Subject, Arguments>> },
  body: (open: (...args: Arguments) => Promise<Subject>) => Promise<void>
): Promise<void> {
  const medium = await harness.prepare()
  await using owned = new AsyncDisposableStack()
  owned.defer(async () => { await medium.cleanUp() })
  await body(async (...args) => {
    const subject = await medium.open(...args)
    // Not `owned.use(subject)`: Node 24 takes no bound function as a disposer.
    owned.defer(async () => { await subject[Symbol.asyncDispose]() })
    return subject
  })
}
