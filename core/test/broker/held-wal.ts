import { StreambedError, type Wal } from '@streambed/sdk'

/** A WAL whose appends are confirmed when the test says so, in order; until then they are in flight. */
export class HeldWal {
  #gate = Promise.withResolvers<void>()
  constructor () { this.#gate.resolve() }
  hold (): void { this.#gate = Promise.withResolvers<void>() }
  release (): void { this.#gate.resolve() }
  /** What is in flight was written, and nobody is told. */
  fail (): void {
    const { reject } = this.#gate
    this.#gate = Promise.withResolvers<void>()
    this.release()
    reject(new StreambedError('UNAVAILABLE', 'the disk fails'))
  }

  wrap (wal: Wal): Wal {
    return new Proxy(wal, {
      get: (target, name) => {
        if (name === 'append') {
          return async (chunks: readonly Uint8Array[]) => {
            const appended = target.append(chunks)
            const gate = this.#gate.promise
            const position = await appended
            await gate
            return position
          }
        }
        const value: unknown = Reflect.get(target, name)
        return typeof value === 'function' ? (...args: unknown[]): unknown => Reflect.apply(value, target, args) : value
      }
    })
  }
}
