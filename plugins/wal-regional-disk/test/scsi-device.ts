import type { Outside, ProgramResult } from '../src/outside.ts'

/**
 * A SCSI device with persistent reservations, as `sg_persist` of sg3_utils 1.46 shows it: exit statuses and output are those
 * that it gave with a disk of Linux's own target (LIO).
 */
export class ScsiDevice {
  readonly keys = new Map<string, bigint>()
  holder: string | undefined
  generation = 0
  /** Hosts that hear of a change before their next command is done. */
  readonly attention = new Set<string>()
  /** Every call: the host, then the arguments. */
  readonly calls: string[] = []
  /** Called before each command. */
  before: ((host: string, args: readonly string[]) => void) | undefined

  /** `sg_persist` on one host. */
  on (host: string): Outside {
    return {
      run: async command => {
        this.calls.push([host, ...command].join(' '))
        this.before?.(host, command)
        return this.#command(host, command.slice(1))
      },
      post: async () => { throw new Error('no service is called') }
    }
  }

  mayWrite (host: string): boolean { return this.holder === undefined || this.keys.has(host) }

  #command (host: string, [direction, action, ...rest]: readonly string[]): ProgramResult {
    if (this.attention.delete(host)) return failed(6, 'Unit attention')
    const device = rest.pop()
    if (device !== '/disk') return failed(15, `open error: ${device}: No such file or directory`)
    const value = (name: string): bigint => BigInt(rest.find(argument => argument.startsWith(`--${name}=`))?.slice(name.length + 3) ?? 'missing')
    switch (`${direction} ${action}`) {
      case '--in --read-keys': return said([`  PR generation=0x${this.generation.toString(16)}, ${this.keys.size === 0 ? 'there are NO registered reservation keys' : `${this.keys.size} registered reservation keys follow:`}`, ...Array.from(this.keys.values(), key => `    0x${key.toString(16)}`)])
      case '--in --read-reservation': return said(this.holder === undefined
        ? [`  PR generation=0x${this.generation.toString(16)}, there is NO reservation held`]
        : [`  PR generation=0x${this.generation.toString(16)}, Reservation follows:`, `    Key=0x${this.keys.get(this.holder)!.toString(16)}`, '    scope: LU_SCOPE,  type: Write Exclusive, registrants only'])
      case '--out --register':
        if ((this.keys.get(host) ?? 0n) !== value('param-rk')) return failed(24, 'PR out (Register): Reservation conflict')
        this.keys.set(host, value('param-sark'))
        this.generation++
        return said([])
      case '--out --reserve':
        if (value('prout-type') !== 5n || this.keys.get(host) !== value('param-rk') || (this.holder !== undefined && this.holder !== host)) return failed(24, 'PR out (Reserve): Reservation conflict')
        this.holder = host
        return said([])
      case '--out --preempt': {
        const victims = [...this.keys].filter(([other, key]) => other !== host && key === value('param-sark')).map(([other]) => other)
        if (value('prout-type') !== 5n || this.keys.get(host) !== value('param-rk') || victims.length === 0) return failed(24, 'PR out (Preempt): Reservation conflict')
        for (const victim of victims) {
          this.keys.delete(victim)
          this.attention.add(victim)
          if (this.holder === victim) this.holder = host
        }
        this.generation++
        return said([])
      }
      default: return failed(1, `unrecognised: ${direction} ${action}`)
    }
  }
}

function said (lines: readonly string[]): ProgramResult {
  return { exitCode: 0, signal: undefined, stdout: ['  LIO-ORG   FILEIO            4.0 ', '  Peripheral device type: disk', ...lines, ''].join('\n'), stderr: '' }
}

function failed (exitCode: number, stderr: string): ProgramResult { return { exitCode, signal: undefined, stdout: '', stderr } }
