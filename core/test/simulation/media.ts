import type { FolderCopy, SeededRandom, SimulatedFileSystem } from '@streambed/sdk/testing'
import { folders, logPrefixes, walSuffix, type BackendKinds, type SimulatedService, type WalPlace } from './backends.ts'

export type MediumName = 'wal' | 'metadata'

/** All that a medium held at one moment. */
export type MediumCopy =
  | { readonly kind: 'folder', readonly path: string, readonly copy: FolderCopy | undefined }
  | { readonly kind: 'keys', readonly prefix: string, readonly copy: ReturnType<SimulatedService['copyOf']> }

/** A medium that is not the one it was. `what`: how it differs. */
export interface Exchange { readonly medium: MediumName, readonly what: 'empty' | 'older' | 'flipped', readonly wrong: MediumCopy }

const copiesMax = 3
const flipAttemptsMax = 200

/** The media that the WAL and the metadata live on, and older copies of them, as an operator may keep. */
export class Media {
  readonly #fileSystem: SimulatedFileSystem
  readonly #service: SimulatedService
  readonly #kinds: BackendKinds
  #older: { readonly medium: MediumName, readonly copy: MediumCopy }[] = []

  constructor (fileSystem: SimulatedFileSystem, service: SimulatedService, kinds: BackendKinds) {
    this.#fileSystem = fileSystem
    this.#service = service
    this.#kinds = kinds
  }

  /** Undefined where it lies among objects in files, which are one medium. */
  copyOf (medium: MediumName, wal: WalPlace): MediumCopy | undefined {
    const path = medium === 'wal' ? folders.wal + walSuffix(wal) : folders.metadata
    if ((medium === 'wal' ? wal.kind : this.#kinds.metadata) !== 'object') return { kind: 'folder', path, copy: this.#fileSystem.copyOf(path) }
    if (this.#kinds.store === 'fs') return undefined
    const prefix = `${medium === 'wal' ? logPrefixes.wal + walSuffix(wal) : logPrefixes.metadata}/`
    return { kind: 'keys', prefix, copy: this.#service.copyOf(prefix) }
  }

  putBack (medium: MediumCopy): void {
    if (medium.kind === 'folder') this.#fileSystem.putBack(medium.path, medium.copy)
    else this.#service.putBack(medium.prefix, medium.copy)
  }

  /** Takes it away: nothing is where it was. */
  remove (medium: MediumCopy): void { this.putBack(empty(medium, false)) }

  /** Copies both, to be put back at some later time. */
  keep (wal: WalPlace): void {
    for (const medium of ['wal', 'metadata'] as const) {
      const copy = this.copyOf(medium, wal)
      if (copy !== undefined) this.#older.push({ medium, copy })
    }
    this.#older = this.#older.slice(-2 * copiesMax)
  }

  forgetOlder (): void { this.#older = [] }

  /** What may stand where a medium was; undefined where there is nothing to exchange. */
  exchange (random: SeededRandom, wal: WalPlace): Exchange | undefined {
    const medium = (['wal', 'metadata'] as const)[random.below(2)]!
    const what = (['empty', 'older', 'older', 'flipped'] as const)[random.below(4)]!
    const right = this.copyOf(medium, wal)
    if (right === undefined || isEmpty(right)) return undefined
    switch (what) {
      case 'empty': return { medium, what, wrong: empty(right, random.below(2) === 0) }
      case 'older': {
        const older = this.#older.filter(({ copy }) => placeOf(copy) === placeOf(right))
        const chosen = older[random.below(Math.max(1, older.length))]
        return chosen === undefined || isEmpty(chosen.copy) ? undefined : { medium, what, wrong: chosen.copy }
      }
      case 'flipped': {
        // Rot of what lies in objects is told by the service; of files, by nobody.
        if (right.kind === 'keys') return undefined
        const wrong = this.#flipped(right, random)
        return wrong === undefined ? undefined : { medium, what, wrong }
      }
      default: return what satisfies never
    }
  }

  #flipped (right: MediumCopy & { readonly kind: 'folder' }, random: SeededRandom): MediumCopy | undefined {
    const files = this.#fileSystem.filesBelow(right.path).filter(path => this.#fileSystem.sizeOf(path) > 0)
    const file = files[random.below(Math.max(1, files.length))]
    if (file === undefined) return undefined
    let isFlipped = false
    for (let attempt = 1; !isFlipped; attempt++) {
      this.#fileSystem.corrupt(file, random.below(this.#fileSystem.sizeOf(file)), byte => {
        // Most of a log is room that nobody has written to.
        isFlipped = byte !== 0 || attempt === flipAttemptsMax
        return isFlipped ? byte ^ 1 << random.below(8) : byte
      })
    }
    const wrong: MediumCopy = { kind: 'folder', path: right.path, copy: this.#fileSystem.copyOf(right.path) }
    this.putBack(right)
    return wrong
  }
}

function placeOf (copy: MediumCopy): string { return copy.kind === 'folder' ? copy.path : copy.prefix }
function isEmpty ({ copy }: MediumCopy): boolean { return copy === undefined || ('folder' in copy ? copy.folder.isEmpty : copy.size === 0) }

/** A folder that is not there, or has nothing in it: as where a disk is not mounted. */
function empty (right: MediumCopy, isThere: boolean): MediumCopy {
  if (right.kind === 'keys') return { ...right, copy: new Map() }
  const folder = isThere ? right.copy?.folder.emptied() : undefined
  return { ...right, copy: folder === undefined ? undefined : { folder } }
}
