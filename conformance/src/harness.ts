import type {
  MetadataLog, MetadataLogCapabilities, MetadataRepair, ObjectStore, ObjectStoreCapabilities, Wal, WalCapabilities, WalOpening, WalWriter
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
export interface MetadataLogHarness extends Harness<MetadataLog, MetadataLogCapabilities> {
  /** Whether `repair`, and `damage`, are there on each medium; absent: no. */
  readonly canRepair?: boolean
  readonly canDamage?: boolean
  prepare (): Promise<MetadataLogMedium>
}
export interface MetadataLogMedium extends Medium<MetadataLog> {
  /** The plugin's `repair`. No instance is open meanwhile. */
  repair? (): Promise<MetadataRepair>
  /** Spoils, as rot does, what was stored for the entry at `position`; entries of other appends stay whole. */
  damage? (position: number): Promise<void>
}

/** Opens instances for one check; closes them in reverse and removes the medium when `body` has settled. */
export async function onMedium<Subject extends AsyncDisposable, Arguments extends readonly unknown[]> (
  harness: { prepare (): Promise<Medium<Subject, Arguments>> },
  body: (open: (...args: Arguments) => Promise<Subject>) => Promise<void>
): Promise<void> {
  await onMediumOf(harness, async open => { await body(open) })
}

/** As `onMedium`, for checks that do something to the medium itself. */
export async function onMediumOf<Subject extends AsyncDisposable, Arguments extends readonly unknown[], M extends Medium<Subject, Arguments>> (
  harness: { prepare (): Promise<M & Medium<Subject, Arguments>> },
  body: (open: (...args: Arguments) => Promise<Subject>, medium: M) => Promise<void>
): Promise<void> {
  const medium = await harness.prepare()
  await using owned = new AsyncDisposableStack()
  owned.defer(async () => { await medium.cleanUp() })
  await body(async (...args) => {
    const subject = await medium.open(...args)
    // Not `owned.use(subject)`: Node 24 takes no bound function as a disposer.
    owned.defer(async () => { await subject[Symbol.asyncDispose]() })
    return subject
  }, medium)
}
