import { nodeEnvironment } from '@streambed/sdk/node'
import { SystemClock } from '@streambed/sdk/node'
import { crc32c } from '../protocol/records/crc32c.ts'
import { ConsoleLogger, type LogLevel } from '../runtime/console-logger.ts'
import { nodeNetwork } from '../runtime/node-network.ts'
import type { Host } from './open-broker.ts'

/** This machine: its clock, disk and network. Log lines go to standard error. */
export function nodeHost (options: { readonly logLevel: LogLevel }): Host {
  const logger = new ConsoleLogger({ level: options.logLevel, clock: new SystemClock(), write: line => process.stderr.write(line) })
  return { environment: nodeEnvironment({ logger, crc32c }), network: nodeNetwork }
}
