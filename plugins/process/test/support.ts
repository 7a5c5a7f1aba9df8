import path from 'node:path'
import type { Environment } from '@streambed/sdk'
import { nodeEnvironment } from '@streambed/sdk/node'

/** The command that serves one of our plugins in a process of its own. */
export function serving (plugin: string): string[] {
  return [process.execPath, '--conditions=streambed-source', '--disable-warning=ExperimentalWarning', path.join(import.meta.dirname, 'guest.ts'), plugin]
}

export const environment: Environment = nodeEnvironment()

/** Options as the schema gives them. */
export function optionsOf<Capabilities> (command: readonly string[], capabilities: Capabilities, options: Readonly<Record<string, unknown>>) {
  return { command, startTimeout: 10_000, closeTimeout: 10_000, messageBytesMax: 256 * 2 ** 20, capabilities, options }
}
