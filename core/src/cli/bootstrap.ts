import type { Argv } from 'yargs'
import { KafkaClient, type Address } from '../client/kafka-client.ts'
import { nodeNetwork } from '../runtime/node-network.ts'

export interface BootstrapOptions { readonly bootstrap: string }

/** The option that every command has which talks to a broker. */
export function withBootstrap<T> (args: Argv<T>): Argv<T & BootstrapOptions> {
  return args.option('bootstrap', { alias: 'b', type: 'string', default: '127.0.0.1:9092', requiresArg: true, describe: 'A broker, as HOST:PORT' }) as Argv<T & BootstrapOptions>
}

/** Throws when it is not HOST:PORT. */
export function parseAddress (text: string): Address {
  const match = /^(.+):(\d{1,5})$/.exec(text)
  if (match === null || Number(match[2]) > 65_535) throw new Error(`--bootstrap must be HOST:PORT, got '${text}'`)
  return { host: match[1]!.replace(/^\[|\]$/g, ''), port: Number(match[2]) }
}

/** Runs `action` with a client that is closed after it. */
export async function withClient (options: BootstrapOptions, action: (client: KafkaClient) => Promise<void>): Promise<void> {
  await using client = new KafkaClient(nodeNetwork, parseAddress(options.bootstrap))
  await action(client)
}
