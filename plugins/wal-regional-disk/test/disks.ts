import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const script = new URL('../../../tools/servers/powercut.sh', import.meta.url).pathname

/** Whether the tests may make block devices: as root, with the packages that `powercut.sh install` brings. */
export const mayMakeDisks: boolean = process.env.STREAMBED_TEST_DISKS !== undefined

/** A disk whose power can be cut: tools/servers/powercut.sh. */
export class PowerCutDisk {
  readonly #folder: string
  readonly #kind: 'ext4' | 'raw'

  private constructor (folder: string, kind: 'ext4' | 'raw') {
    this.#folder = folder
    this.#kind = kind
  }

  static make (folder: string, kind: 'ext4' | 'raw', sectorBytes: number): PowerCutDisk {
    run('bash', script, 'up', folder, kind, String(sectorBytes))
    return new PowerCutDisk(folder, kind)
  }

  /** Where the log goes: a folder of the file system, or the device, whose name changes with a cut. */
  get path (): string { return this.#kind === 'ext4' ? join(this.#folder, 'mnt', 'wal') : readFileSync(join(this.#folder, 'device'), 'utf8').trim() }
  get lockFile (): string { return this.#kind === 'ext4' ? '' : join(this.#folder, 'lock') }
  /** Writes and flushes that reached the disk. */
  get callCount (): number { return readFileSync(join(this.#folder, 'io.log'), 'utf8').split('\n').filter(line => / (Write|Flush) id=/.test(line)).length }

  cut (): void { run('bash', script, 'cut', this.#folder) }
  /** From now on every flush fails. */
  fail (): void { run('bash', script, 'fail', this.#folder) }
  heal (): void { run('bash', script, 'heal', this.#folder) }
  remove (): void { run('bash', script, 'down', this.#folder) }
}

/** A loop device over a new file; resolves with its name. */
export function makeLoopDevice (file: string, bytes: number, sectorBytes: number): string {
  run('truncate', '-s', String(bytes), file)
  return run('losetup', '--find', '--show', '--sector-size', String(sectorBytes), file).trim()
}

export function removeLoopDevice (device: string): void { run('losetup', '--detach', device) }

function run (program: string, ...args: readonly string[]): string {
  const { error, status, stderr, stdout } = spawnSync(program, args, { encoding: 'utf8', timeout: 60_000 })
  assert.equal(status, 0, `${program} ${args.join(' ')}: ${error?.message ?? stderr}`)
  return stdout
}
