import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { nextTurn } from '@streambed/sdk/node'
import { MemoryObjectMedium, MemoryObjectStore, SeededRandom, VirtualClock, faultyObjectStore, testEnvironment, type Fault, type FaultyCall } from '@streambed/sdk/testing'
import type { Environment } from '@streambed/sdk'
import plugin, { QuorumObjectStore } from '../src/index.ts'

export type Options = Parameters<typeof plugin.open>[0]

/** The plugin's options, from what an operator gives. */
export async function optionsOf (given: object): Promise<Options> {
  const checked = await plugin.options['~standard'].validate(given)
  if (checked.issues !== undefined) throw new Error(JSON.stringify(checked.issues))
  return checked.value
}

export interface Folder extends AsyncDisposable { readonly path: string }

export async function temporaryFolder (): Promise<Folder> {
  const folder = await mkdtemp(path.join(tmpdir(), 'quorum-'))
  return { path: folder, [Symbol.asyncDispose]: async () => { await rm(folder, { recursive: true, force: true }) } }
}

export function threeFolders (folder: string): object { return { stores: [1, 2, 3].map(number => ({ plugin: '@streambed/object-store-fs', path: path.join(folder, `objects-${number}`) })) } }

/** Three buckets in memory, and stores on them whose calls go as `plan` says. Time passes when nothing else can happen. */
export class World {
  readonly buckets = [new MemoryObjectMedium(), new MemoryObjectMedium(), new MemoryObjectMedium()] as const
  readonly clock = new VirtualClock()
  readonly random: SeededRandom
  readonly #environment: Environment
  /** What happens to a call on the store of that number. */
  plan: (store: number, call: FaultyCall) => Fault = () => ({ kind: 'none' })

  constructor (seed: string | number) {
    this.random = new SeededRandom(seed)
    this.#environment = testEnvironment({ clock: this.clock, random: this.random.fork('environment') })
  }

  /** As another process would. */
  open (): QuorumObjectStore {
    const [first, second, third] = this.buckets.map((medium, store) => faultyObjectStore(new MemoryObjectStore({ clock: this.clock, medium }), { clock: this.clock, plan: call => this.plan(store, call) }))
    return new QuorumObjectStore([first!, second!, third!], { patienceMs: 1000, objectBytesMax: 2 ** 20 }, this.#environment)
  }

  /** Lets time pass until `pending` has settled. */
  async run<T> (pending: Promise<T>): Promise<T> {
    let isSettled = false
    void pending.then(() => {}, () => {}).then(() => { isSettled = true })
    while (!isSettled) {
      await nextTurn()
      if (!isSettled) this.clock.advanceToNext()
    }
    return await pending
  }
}
