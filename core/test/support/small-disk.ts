import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'

const fillerName = 'filler'
const fillerPieceBytes = 64 * 1024

/** A file system of a few megabytes, that can be filled and freed. */
export class SmallDisk implements Disposable {
  readonly folder: string

  constructor (bytes: number) {
    this.folder = fs.mkdtempSync(path.join(os.tmpdir(), 'streambed-disk-'))
    const problem = mount(this.folder, bytes)
    if (problem === undefined) return
    fs.rmdirSync(this.folder)
    throw new Error(problem)
  }

  /** Why there can be none here; undefined where there can. */
  static get refusal (): string | undefined {
    try {
      new SmallDisk(1024 * 1024)[Symbol.dispose]()
      return undefined
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    }
  }

  get freeBytes (): number {
    const { bavail, bsize } = fs.statfsSync(this.folder)
    return bavail * bsize
  }

  /** Takes all space that is left, as somebody else's files would. */
  fill (): void {
    const filler = fs.openSync(path.join(this.folder, fillerName), 'a')
    try {
      for (let bytes = fillerPieceBytes; bytes >= 1;) {
        try {
          if (fs.writeSync(filler, Buffer.alloc(bytes)) < bytes) bytes = Math.floor(bytes / 2)
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
          bytes = Math.floor(bytes / 2)
        }
      }
    } finally {
      fs.closeSync(filler)
    }
  }

  /** Gives the space back. */
  free (): void { fs.rmSync(path.join(this.folder, fillerName), { force: true }) }

  [Symbol.dispose] (): void {
    spawnSync('umount', ['--lazy', this.folder])
    fs.rmdirSync(this.folder)
  }
}

function mount (folder: string, bytes: number): string | undefined {
  const { error, status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'streambed-test', folder], { encoding: 'utf8' })
  if (error !== undefined) return error.message
  return status === 0 ? undefined : stderr.trim()
}
