import { spawn, type ChildProcess } from 'node:child_process'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { Collector } from './collector.ts'

export interface MemberEvent { readonly assigned?: readonly number[], readonly value?: string, readonly partition?: number }

/** Runs group-member.ts. */
export class MemberProcess implements AsyncDisposable {
  readonly events = new Collector<MemberEvent>()
  readonly #child: ChildProcess

  constructor (client: 'kafkajs' | 'platformatic', address: string, topic: string, groupId: string) {
    const script = path.join(import.meta.dirname, 'group-member.ts')
    const child = spawn(process.execPath, ['--conditions=streambed-source', '--disable-warning=ExperimentalWarning', '--no-warnings', script, client, address, topic, groupId], { stdio: ['ignore', 'pipe', 'inherit'] })
    createInterface({ input: child.stdout }).on('line', line => { this.events.add(JSON.parse(line) as MemberEvent) })
    this.#child = child
  }

  get partitions (): readonly number[] { return this.events.items.findLast(({ assigned }) => assigned !== undefined)?.assigned ?? [] }
  get values (): readonly string[] { return this.events.items.flatMap(({ value }) => value === undefined ? [] : [value]) }

  async untilPartitions (count: number): Promise<void> {
    await this.events.until(() => this.partitions.length === count)
  }

  /** The process is gone at once; its group learns of it when the session ends. */
  async [Symbol.asyncDispose] (): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = new Promise<void>(resolve => { this.#child.once('exit', () => resolve()) })
    this.#child.kill('SIGKILL')
    await exited
  }
}
