import { StreambedError, type Clock } from '@streambed/sdk'
import { tail, type Outside, type ProgramResult } from './outside.ts'
import type { Registrations, ReservationCommands } from './reservation.ts'

/** Write exclusive, registrants only (NVM Express base specification, reservation types). */
const type = '--rtype=3'
/** The host holds the reservation: bit 0 of a registrant's status. */
const holds = 1

/**
 * Reservations of NVMe, through `nvme` of nvme-cli. A host is known by its host identifier, which each must have of its own
 * (/etc/nvme/hostid, or what the cloud gives).
 */
export class NvmeReservations implements ReservationCommands {
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
    const result = await this.#run('resv-report', '--output-format=json')
    this.#check(result, 'resv-report')
    try {
      return parseNvme(result.stdout)
    } catch (cause) {
      throw new StreambedError('MISCONFIGURED', `the tool does not print what nvme-cli 2 prints; install that. path=${this.#path} tool=${this.#tool} output=${tail(result.stdout)}`, { cause })
    }
  }

  async register (key: bigint): Promise<'done' | 'conflict'> {
    if (await this.#change('resv-register', `--nrkey=${hex(key)}`, '--rrega=0') === 'done') return 'done'
    // This host has a key already: replace it, whatever it is.
    return await this.#change('resv-register', `--nrkey=${hex(key)}`, '--rrega=2', '--iekey')
  }

  async reserve (key: bigint): Promise<'done' | 'conflict'> { return await this.#change('resv-acquire', `--crkey=${hex(key)}`, type, '--racqa=0') }

  async preempt (key: bigint, victim: bigint): Promise<'done' | 'conflict'> {
    return await this.#change('resv-acquire', `--crkey=${hex(key)}`, `--prkey=${hex(victim)}`, type, '--racqa=1')
  }

  async #change (command: string, ...args: readonly string[]): Promise<'done' | 'conflict'> {
    const result = await this.#run(command, ...args)
    if (result.exitCode !== 0 && /reservation[ _]conflict/i.test(result.stdout + result.stderr)) return 'conflict'
    this.#check(result, command)
    return 'done'
  }

  async #run (command: string, ...args: readonly string[]): Promise<ProgramResult> {
    return await this.#outside.run([this.#tool, command, this.#path, ...args], '', this.#timeoutMs, this.#clock)
  }

  #check ({ exitCode, signal, stderr, stdout }: ProgramResult, action: string): void {
    if (exitCode === 0) return
    const how = exitCode === undefined ? `signal=${signal}` : `status=${exitCode}`
    const said = tail(`${stdout}\n${stderr}`)
    if (/invalid (command )?(opcode|field)|inappropriate ioctl|not supported/i.test(stdout + stderr)) {
      throw new StreambedError('MISCONFIGURED', `the device takes no reservation; use a shared disk that does, or remove "reservation". path=${this.#path} tool=${this.#tool} action=${action} ${how} output=${said}`)
    }
    throw new StreambedError('UNAVAILABLE', `the device's reservation could not be changed. path=${this.#path} tool=${this.#tool} action=${action} ${how} output=${said}`)
  }
}

/** What `nvme resv-report` prints as JSON. Keys have 64 bits, more than a number of JSON.parse holds. */
export function parseNvme (json: string): Registrations {
  const report = JSON.parse(json.replace(/("rkey"\s*:\s*)(\d+)/g, '$1"$2"')) as { readonly regctls?: unknown, readonly regctlext?: unknown, readonly regctl_eds?: unknown }
  const registrants = (report.regctls ?? report.regctlext ?? report.regctl_eds ?? []) as readonly { readonly rkey: string, readonly rcsts: number }[]
  const keys = new Set<bigint>()
  let holder: bigint | undefined
  for (const { rcsts, rkey } of registrants) {
    keys.add(BigInt(rkey))
    if ((rcsts & holds) !== 0) holder = BigInt(rkey)
  }
  return { keys: [...keys], holder }
}

function hex (key: bigint): string { return `0x${key.toString(16)}` }
