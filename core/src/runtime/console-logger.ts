import type { Clock, LogFields, Logger } from '@streambed/sdk'

const levels = { debug: 0, info: 1, warn: 2, error: 3 } as const
export type LogLevel = keyof typeof levels

export interface ConsoleLoggerOptions {
  /** The least important level to write. */
  readonly level: LogLevel
  readonly clock: Clock
  /** Takes one line, its end included. */
  readonly write: (line: string) => void
  readonly fields?: LogFields
}

/** Writes lines that people and machines can read: time, level, message, then `name=value` for each field. */
export class ConsoleLogger implements Logger {
  readonly #options: ConsoleLoggerOptions
  constructor (options: ConsoleLoggerOptions) { this.#options = options }

  debug (message: string, fields?: LogFields): void { this.#log('debug', message, fields) }
  info (message: string, fields?: LogFields): void { this.#log('info', message, fields) }
  warn (message: string, fields?: LogFields): void { this.#log('warn', message, fields) }
  error (message: string, fields?: LogFields): void { this.#log('error', message, fields) }
  child (fields: LogFields): Logger { return new ConsoleLogger({ ...this.#options, fields: { ...this.#options.fields, ...fields } }) }

  #log (level: LogLevel, message: string, fields?: LogFields): void {
    const { clock, level: least, write } = this.#options
    if (levels[level] < levels[least]) return
    const pairs = Object.entries({ ...this.#options.fields, ...fields }).filter(([, value]) => value !== undefined)
    const text = pairs.map(([name, value]) => ` ${name}=${typeof value === 'string' ? JSON.stringify(value) : String(value)}`).join('')
    write(`${new Date(clock.wallMs()).toISOString()} ${level.toUpperCase().padEnd(5)} ${message}${text}\n`)
  }
}
