import assert from 'node:assert/strict'
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { SeededRandom } from '@streambed/sdk/testing'

const program = new URL('./writer-process.ts', import.meta.url).pathname

class Writer {
  recovered: number[] = []
  readonly confirmed: number[] = []
  /** How many of the newest records are surely kept, after each trim; what came later is kept as well. */
  trimmedAt: { readonly kept: number, readonly confirmedCount: number } | undefined
  ended: string | undefined
  readonly opened: Promise<void>
  readonly exited: Promise<void>
  readonly child: ChildProcessWithoutNullStreams
  #onLine: (() => void) | undefined

  constructor (path: string, epoch: number, firstId: number) {
    this.child = spawn(process.execPath, ['--conditions=streambed-source', program, path, String(epoch), String(firstId)])
    let errors = ''
    this.child.stderr.on('data', (bytes: Buffer) => { errors += bytes.toString() })
    let open!: () => void
    let fail!: (error: Error) => void
    this.opened = new Promise((resolve, reject) => { open = resolve; fail = reject })
    const lines = createInterface({ input: this.child.stdout })
    lines.on('line', line => {
      const [word, ...rest] = line.split(' ')
      if (word === 'recovered') { this.recovered = rest.filter(text => text !== '').map(Number); open() }
      if (word === 'confirmed') this.confirmed.push(Number(rest[0]))
      if (word === 'trimming') this.trimmedAt = { kept: Number(rest[0]), confirmedCount: this.confirmed.length }
      if (word === 'ended') this.ended = rest[0]
      this.#onLine?.()
    })
    this.exited = new Promise(resolve => { lines.once('close', () => { fail(new Error(`the writer ended: ${errors}`)); resolve() }) })
    this.opened.catch(() => {})
  }

  async untilConfirmed (count: number): Promise<void> {
    await new Promise<void>(resolve => {
      const check = (): void => { if (this.confirmed.length >= count || this.ended !== undefined) resolve() }
      this.#onLine = check
      check()
      void this.exited.then(resolve)
    })
  }

  /** What must come back after it, oldest first. */
  get held (): number[] {
    const all = [...this.recovered, ...this.confirmed]
    if (this.trimmedAt === undefined) return all
    const { kept, confirmedCount } = this.trimmedAt
    return all.slice(this.recovered.length + confirmedCount - kept)
  }
}

function isDense (ids: readonly number[]): boolean { return ids.every((id, index) => index === 0 || id === ids[index - 1]! + 1) }

describe('real processes', () => {
  let folder: string
  beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'wal-')) })
  afterEach(async () => { await rm(folder, { recursive: true, force: true }) })

  it('lose nothing confirmed when killed 50 times', async () => {
    const random = new SeededRandom('kill')
    let held: number[] = []
    let epoch = 1
    for (let round = 0; round <= 50; round++) {
      const writer = new Writer(folder, epoch++, (held.at(-1) ?? -1) + 1000)
      await writer.opened
      const { recovered } = writer
      const lost = held.filter(id => !recovered.includes(id))
      assert.deepEqual(lost, [], `round ${round}: lost`)
      assert.ok(recovered.every((id, index) => index === 0 || id > recovered[index - 1]!), `round ${round}: order`)
      // A random moment: between any two confirmations, or within a batch.
      await writer.untilConfirmed(random.below(80))
      writer.child.kill('SIGKILL')
      await writer.exited
      held = writer.held
    }
  })

  it('fence a stopped one, which then confirms nothing more', async () => {
    for (let round = 0; round < 3; round++) {
      const path = join(folder, String(round))
      const old = new Writer(path, 1, 0)
      await old.opened
      await old.untilConfirmed(20 + round * 13)
      old.child.kill('SIGSTOP')
      const wal = new Writer(path, 2, 1_000_000)
      await wal.opened
      await wal.untilConfirmed(40)
      old.child.kill('SIGCONT')
      await old.exited
      assert.equal(old.ended, 'FENCED')
      assert.ok(isDense(wal.recovered))
      assert.deepEqual(old.held.filter(id => !wal.recovered.includes(id)), [], 'confirmed by the old one, unknown to the new one')
      wal.child.kill('SIGKILL')
      await wal.exited
      const third = new Writer(path, 3, 2_000_000)
      await third.opened
      assert.deepEqual(wal.held.filter(id => !third.recovered.includes(id)), [])
      third.child.kill('SIGKILL')
      await third.exited
    }
  })
})
