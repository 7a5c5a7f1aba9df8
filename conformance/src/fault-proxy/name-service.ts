import dns from 'node:dns'
import { syncBuiltinESMExports } from 'node:module'

type Callback = (error: NodeJS.ErrnoException | null, address?: string | dns.LookupAddress[], family?: number) => void

/** Answers for names of its own in place of this process's resolver, as `dns.lookup` asks it; other names go on to that. */
export class NameService {
  readonly #lookup = dns.lookup
  readonly #addresses = new Map<string, string>()
  /** How many questions for names of its own find no answer for now (EAI_AGAIN). */
  failures = 0
  /** Questions for names of its own so far. */
  asked = 0

  start (): void {
    const lookup = this.#lookup
    const answer = (name: string, ...rest: unknown[]): void => {
      const address = this.#addresses.get(name)
      if (address === undefined) { Reflect.apply(lookup, dns, [name, ...rest]); return }
      this.asked++
      const callback = rest.at(-1) as Callback
      const isAll = (rest[0] as { readonly all?: boolean }).all === true
      const isFailing = this.failures > 0
      if (isFailing) this.failures--
      process.nextTick(() => {
        if (isFailing) callback(Object.assign(new Error(`getaddrinfo EAI_AGAIN ${name}`), { code: 'EAI_AGAIN', syscall: 'getaddrinfo', hostname: name }))
        else if (isAll) callback(null, [{ address, family: 4 }])
        else callback(null, address, 4)
      })
    }
    dns.lookup = Object.assign(answer, { __promisify__: lookup.__promisify__ }) as typeof dns.lookup
    syncBuiltinESMExports()
  }

  stop (): void {
    dns.lookup = this.#lookup
    syncBuiltinESMExports()
  }

  set (name: string, address: string): void { this.#addresses.set(name, address) }
}
