import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { createInterface } from 'node:readline'

const program = path.join(import.meta.dirname, 'writer-process.ts')

/** A process that appends until it is killed or fenced (writer-process.ts), and what it said. */
export class Writer {
  recovered: readonly number[] = []
  readonly confirmed: number[] = []
  hasTrimmed = false
  /** The code of the error that ended it. */
  ended: string | undefined
  readonly #child: ChildProcessWithoutNullStreams
  readonly #exited: Promise<unknown>
  #hasExited = false
  #errors = ''
  #onChange = (): void => {}

  /** Resolves when it has recovered, and begins to append. */
  static async start (folder: string, epoch: number, firstId: number): Promise<Writer> {
    const writer = new Writer(folder, epoch, firstId)
    let isOpen = false
    writer.#lines().on('line', line => {
      const [word, ...rest] = line.split(' ')
      if (word === 'recovered') { writer.recovered = rest.filter(text => text !== '').map(Number); isOpen = true }
      if (word === 'confirmed') writer.confirmed.push(Number(rest[0]))
      if (word === 'trimming') writer.hasTrimmed = true
      if (word === 'ended') writer.ended = rest[0]
      writer.#onChange()
    })
    await writer.#until(() => isOpen)
    if (!isOpen) throw new Error(`the writer ended before it had opened. stderr=${writer.#errors}`)
    return writer
  }

  private constructor (folder: string, epoch: number, firstId: number) {
    this.#child = spawn(process.execPath, ['--conditions=streambed-source', '--disable-warning=ExperimentalWarning', program, folder, String(epoch), String(firstId)])
    this.#child.stderr.on('data', (bytes: Buffer) => { this.#errors += bytes.toString() })
    this.#exited = once(this.#child, 'close').then(() => { this.#hasExited = true; this.#onChange() })
  }

  async untilConfirmed (count: number): Promise<void> { await this.#until(() => this.confirmed.length >= count) }

  async untilEnded (): Promise<void> { await this.#exited }

  async kill (): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#exited
  }

  #lines (): ReturnType<typeof createInterface> { return createInterface({ input: this.#child.stdout }) }

  /** Until `isSo`, or it has exited. */
  async #until (isSo: () => boolean): Promise<void> {
    await new Promise<void>(resolve => {
      this.#onChange = () => { if (isSo() || this.#hasExited) resolve() }
      this.#onChange()
    })
  }
}
