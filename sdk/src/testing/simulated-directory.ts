import type { Random } from '../environment.ts'
import type { SimulatedFile } from './simulated-file.ts'

export type SimulatedNode = SimulatedFile | SimulatedDirectory

/** One change of names; a rename within a folder is one change, so a crash never shows half of it. */
interface NameChange { readonly removed?: string, readonly set?: string, readonly node?: SimulatedNode }

/** The names of one folder: as programs see them, and as the medium holds them. */
export class SimulatedDirectory {
  readonly kind = 'directory'
  readonly modifiedMs: number
  #seen = new Map<string, SimulatedNode>()
  #durable = new Map<string, SimulatedNode>()
  #unsynced: NameChange[] = []

  constructor (modifiedMs: number) { this.modifiedMs = modifiedMs }

  get (name: string): SimulatedNode | undefined { return this.#seen.get(name) }
  entries (): IterableIterator<[string, SimulatedNode]> { return this.#seen.entries() }
  get isEmpty (): boolean { return this.#seen.size === 0 }

  /** The folder as programs see it now, all of it durable. A file of two names becomes two. */
  copy (): SimulatedDirectory {
    const copy = new SimulatedDirectory(this.modifiedMs)
    for (const [name, node] of this.#seen) copy.change({ set: name, node: node.copy() })
    copy.sync()
    return copy
  }

  /** A folder of the same kind with nothing in it. */
  emptied (): SimulatedDirectory { return new SimulatedDirectory(this.modifiedMs) }

  change (change: NameChange): void {
    apply(this.#seen, change)
    this.#unsynced.push(change)
  }

  sync (): void {
    this.#durable = new Map(this.#seen)
    this.#unsynced = []
  }

  /** The power failed: each unsynced change is kept or lost. */
  crash (random: Random): void {
    for (const change of this.#unsynced) if (random.fraction() < 0.5) apply(this.#durable, change)
    this.#unsynced = []
    this.#seen = new Map(this.#durable)
    for (const node of this.#seen.values()) node.crash(random)
  }
}

function apply (names: Map<string, SimulatedNode>, change: NameChange): void {
  if (change.removed !== undefined) names.delete(change.removed)
  if (change.set !== undefined && change.node !== undefined) names.set(change.set, change.node)
}
