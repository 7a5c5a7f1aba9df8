import { AsyncLocalStorage } from 'node:async_hooks'
import { syncBuiltinESMExports } from 'node:module'
import net from 'node:net'
import tls, { type ConnectionOptions, type TLSSocket } from 'node:tls'
import type { FaultProxy } from './fault-proxy.ts'

/**
 * Puts fault proxies between this process and endpoints of HTTPS.
 *
 * A plugin cannot be told of another endpoint there: its requests are signed for the service's own name, and certificates are
 * checked for it. So the plugin keeps its endpoint, and `tls.connect`, through which Node makes every connection of TLS,
 * gives it a plain connection to the proxy instead. The proxy goes on over TLS with the very options that the plugin
 * gave, so that the certificate is checked as the plugin wants it.
 *
 * It reaches what runs in this process and uses Node's TLS; a child process goes straight to the service.
 */
export class Interception {
  readonly #hosts: readonly string[]
  readonly #current = new AsyncLocalStorage<FaultProxy>()
  readonly #connect = tls.connect
  #isOn = false

  /** `hosts`: names whose connections are taken, and those of all below them. */
  constructor (hosts: readonly string[]) { this.#hosts = hosts }

  start (): void {
    if (this.#isOn) return
    this.#isOn = true
    const connect = this.#connect
    const taken = (...args: unknown[]): TLSSocket => {
      const options = optionsOf(args)
      const proxy = this.#current.getStore()
      if (options === undefined || proxy === undefined || !this.#isTaken(options)) return Reflect.apply(connect, tls, args) as TLSSocket
      const socket = net.connect({ host: '127.0.0.1', port: proxy.port })
      socket.once('connect', () => { proxy.dialFor(socket.localPort!, () => connect({ ...options, socket: undefined, ALPNProtocols: ['http/1.1'] })) })
      // Who waits for the handshake of TLS gets the connection instead.
      socket.once('connect', () => socket.emit('secureConnect'))
      return socket as TLSSocket
    }
    tls.connect = taken as typeof tls.connect
    syncBuiltinESMExports()
  }

  stop (): void {
    if (!this.#isOn) return
    this.#isOn = false
    tls.connect = this.#connect
    syncBuiltinESMExports()
  }

  /** Runs `action`; the connections that it makes, or that come of it, go through `proxy`. */
  through<T> (proxy: FaultProxy, action: () => T): T { return this.#current.run(proxy, action) }

  /** `subject`, whose calls run `through` the proxy. */
  around<T extends object> (subject: T, proxy: FaultProxy): T {
    return new Proxy(subject, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name)
        if (typeof value !== 'function') return value
        return (...args: unknown[]): unknown => this.through(proxy, () => Reflect.apply(value, target, args) as unknown)
      }
    })
  }

  #isTaken ({ host, servername }: ConnectionOptions): boolean {
    const name = (servername ?? '') === '' ? host ?? '' : servername!
    return this.#hosts.some(taken => name === taken || name.endsWith(`.${taken}`))
  }
}

/** The options among `tls.connect`'s arguments: (options), (port, options), (port, host, options). */
function optionsOf (args: readonly unknown[]): ConnectionOptions | undefined {
  const options = args.find((argument): argument is ConnectionOptions => typeof argument === 'object' && argument !== null)
  const port = args.find(argument => typeof argument === 'number')
  const host = args.find(argument => typeof argument === 'string')
  return options === undefined ? undefined : { ...options, ...port === undefined ? {} : { port }, ...host === undefined ? {} : { host } }
}
