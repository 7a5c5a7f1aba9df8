import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { createInterface } from 'node:readline'

const program = new URL('./writer-process.ts', import.meta.url).pathname

/** A process that appends until it is killed or fenced (writer-process.ts), and what it said. */
export class Writer {
  recovered: number[] = []
  readonly confirmed: number[] = []
  /** How many of the newest records are surely kept, after each trim; what came later is kept as well. */
  trimmedAt: { readonly kept: number, readonly confirmedCount: number } | undefined
  /** The code of the error that ended it. */
  ended: string | undefined
  readonly opened: Promise<void>
  readonly exited: Promise<void>
  readonly child: ChildProcessWithoutNullStreams
  #onLine: (() => void) | undefined

  constructor (path: string, epoch: number, firstId: number, lockFile = '', reservation = '') {
    this.child = spawn(process.execPath, ['--conditions=streambed-source', program, path, String(epoch), String(firstId), lockFile, reservation])
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
    this.exited = new Promise(resolve => {
      this.child.once('close', (code, signal) => {
        fail(new Error(`the writer ended before it had opened. code=${code} signal=${signal} stderr=${errors}`))
        resolve()
      })
    })
    this.opened.catch(() => {})
  }

  /** Until it has confirmed `count`, or ended. */
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

export function isDense (ids: readonly number[]): boolean { return ids.every((id, index) => index === 0 || id === ids[index - 1]! + 1) }
