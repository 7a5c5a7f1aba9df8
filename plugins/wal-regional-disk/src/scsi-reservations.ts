import { StreambedError, type Clock } from '@streambed/sdk'
import { tail, type Outside, type ProgramResult } from './outside.ts'
import type { Registrations, ReservationCommands } from './reservation.ts'

/** Write exclusive, registrants only (SPC-4, table 63). */
const type = '--prout-type=5'

/** Exit statuses of sg3_utils (sg3_utils(8)). */
const unitAttention = 6
const reservationConflict = 24
const refusals: readonly number[] = [5, 9, 15, 22]
const attentionsMax = 4

/**
 * Persistent reservations of SCSI-3, through `sg_persist` of sg3_utils. REGISTER, RESERVE and PREEMPT alone: shared disks of
 * Google know no more. A host is known by its path to the device; several paths (multipath) are several hosts.
 */
export class ScsiReservations implements ReservationCommands {
  readonly #path: string
  readonly #tool: string
  readonly #timeoutMs: number
  readonly #outside: Outside
  readonly #clock: Clock

  constructor (path: string, tool: string, timeoutMs: number, outside: Outside, clock: Clock) {
    this.#path = path
    this.#tool = tool
    this.#timeoutMs = timeoutMs
    this.#outside = outside
    this.#clock = clock
  }

  async read (): Promise<Registrations> {
    const keys = await this.#must('--in', '--read-keys')
    const reservation = await this.#must('--in', '--read-reservation')
    return parseScsi(keys, reservation)
  }

  async register (key: bigint, former: readonly bigint[]): Promise<'done' | 'conflict'> {
    // A host that is registered must name the key that it has; one that is not, none.
    for (const old of [0n, ...former]) {
      if (await this.#out('--register', `--param-rk=${hex(old)}`, `--param-sark=${hex(key)}`) === 'done') return 'done'
    }
    return 'conflict'
  }

  async reserve (key: bigint): Promise<'done' | 'conflict'> { return await this.#out('--reserve', `--param-rk=${hex(key)}`, type) }

  async preempt (key: bigint, victim: bigint): Promise<'done' | 'conflict'> {
    return await this.#out('--preempt', `--param-rk=${hex(key)}`, `--param-sark=${hex(victim)}`, type)
  }

  async #out (...args: readonly string[]): Promise<'done' | 'conflict'> {
    const result = await this.#run('--out', ...args)
    if (result.exitCode === reservationConflict) return 'conflict'
    this.#check(result, args[0]!)
    return 'done'
  }

  async #must (...args: readonly string[]): Promise<string> {
    const result = await this.#run(...args)
    this.#check(result, args[1]!)
    return result.stdout
  }

  /** A device tells each host once that something has changed, instead of doing what it was asked. */
  async #run (...args: readonly string[]): Promise<ProgramResult> {
    for (let tries = 1; ; tries++) {
      const result = await this.#outside.run([this.#tool, ...args, this.#path], '', this.#timeoutMs, this.#clock)
      if (result.exitCode !== unitAttention || tries === attentionsMax) return result
    }
  }

  #check ({ exitCode, signal, stderr, stdout }: ProgramResult, action: string): void {
    if (exitCode === 0) return
    const how = exitCode === undefined ? `signal=${signal}` : `status=${exitCode}`
    const said = tail(`${stdout}\n${stderr}`)
    if (exitCode !== undefined && refusals.includes(exitCode)) {
      throw new StreambedError('MISCONFIGURED', `the device takes no persistent reservation; use a shared disk that does, or remove "reservation". path=${this.#path} tool=${this.#tool} action=${action} ${how} output=${said}`)
    }
    throw new StreambedError('UNAVAILABLE', `the device's reservation could not be changed. path=${this.#path} tool=${this.#tool} action=${action} ${how} output=${said}`)
  }
}

/** What `sg_persist` prints of READ KEYS and READ RESERVATION. */
export function parseScsi (keys: string, reservation: string): Registrations {
  const holder = /^\s*Key\s*=\s*(0x[0-9a-f]+)/im.exec(reservation)?.[1]
  return {
    keys: [...new Set(Array.from(keys.matchAll(/^\s+(0x[0-9a-f]+)\s*$/gim), ([, key]) => BigInt(key!)))],
    holder: holder === undefined ? undefined : BigInt(holder)
  }
}

function hex (key: bigint): string { return `0x${key.toString(16)}` }
