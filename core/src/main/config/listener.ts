import type { ListenerConfig } from './broker-config.ts'

/** `plaintext://host:port`, or what is wrong with it. IPv6 addresses stand in brackets. */
export function parseListener (text: string): Omit<ListenerConfig, 'advertised'> | { readonly problem: string } {
  const match = /^([A-Za-z][A-Za-z0-9_]*):\/\/(\[[0-9a-fA-F:.]+\]|[^:/[\]]+):(\d{1,5})$/.exec(text)
  if (match === null) return { problem: `expected plaintext://HOST:PORT, got '${text}'` }
  const protocol = match[1]!.toUpperCase()
  if (protocol !== 'PLAINTEXT') return { problem: `only plaintext listeners are available in this release, got '${match[1]}'` }
  const port = Number(match[3])
  if (port > 65_535) return { problem: `port must be 0 to 65535, got ${port}` }
  return { name: protocol, host: match[2]!.replace(/^\[|\]$/g, ''), port }
}
