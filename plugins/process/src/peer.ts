import { StreambedError, abortedError, errorTable, throwIfAborted, withDeadline, type Environment, type ErrorCode } from '@streambed/sdk'
import { encodeFrame, FrameDecoder, type Frame } from './frames.ts'
import type { ProcessOptions } from './options.ts'
import { openTransport, type Transport } from './transport.ts'

export const protocolVersion = 1

export interface Opening {
  readonly kind: 'objectStore' | 'wal' | 'metadataLog'
  /** For a WAL: who opens it, and how, where that is not `create`. */
  readonly writer?: object
  readonly opening?: object | undefined
}

export interface CallBytes {
  readonly pieces?: readonly Uint8Array[]
  readonly signal?: AbortSignal | undefined
  /** What a lost answer means: the call changes something, or it does not. */
  readonly mutates?: boolean
}

interface Waiting { readonly resolve: (frame: Frame) => void, readonly reject: (error: unknown) => void, readonly mutates: boolean }

/** A plugin process as the host speaks to it: any number of calls at a time, each answered once. */
export class Peer {
  /** What the process answered to `open`. */
  readonly opened: Frame['header']
  readonly #transport: Transport
  readonly #calls: Calls
  readonly #options: ProcessOptions
  readonly #environment: Environment
  #closing: Promise<void> | undefined

  private constructor (transport: Transport, calls: Calls, options: ProcessOptions, environment: Environment, opened: Frame['header']) {
    this.#transport = transport
    this.#calls = calls
    this.#options = options
    this.#environment = environment
    this.opened = opened
  }

  /** Starts the process or connects to it, and has it open what it serves. Rejects as that does, MISCONFIGURED, TIMEOUT, UNAVAILABLE; nothing is left running then. */
  static async open (options: ProcessOptions, { kind, opening: mode, writer }: Opening, environment: Environment): Promise<Peer> {
    const transport = await openTransport(options, environment)
    const calls = new Calls(transport, options.messageBytesMax)
    try {
      const opening = calls.call('open', { protocol: protocolVersion, kind, options: options.options, ...writer === undefined ? {} : { writer }, ...mode === undefined ? {} : { opening: mode } }, {})
      const { header } = await within(opening, options.startTimeout, environment, `the plugin process did not open within ${options.startTimeout} ms; see what it printed, or raise "startTimeout"`)
      checkCapabilities(options.capabilities, header['capabilities'])
      return new Peer(transport, calls, options, environment, header)
    } catch (error) {
      transport.destroy()
      throw error
    }
  }

  /** Resolves with why, once the process has ended or said what nobody understands. */
  get ended (): Promise<string> { return this.#calls.ended }

  /** Rejects with the process's own error; ABORTED; and when it ends, with OUTCOME_UNKNOWN if the call changes something, else UNAVAILABLE. */
  call (name: string, parameters: object, bytes: CallBytes): Promise<Frame> { return this.#calls.call(name, parameters, bytes) }

  close (): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close (): Promise<void> {
    try {
      await within(this.#calls.call('close', {}, {}), this.#options.closeTimeout, this.#environment, 'the plugin process did not close')
      this.#transport.input.end()
      await within(this.ended, this.#options.closeTimeout, this.#environment, 'the plugin process did not end after it had closed')
    } catch (error) {
      this.#environment.logger.warn('a plugin process was ended the hard way', { cause: error instanceof Error ? error.message : String(error) })
    } finally {
      this.#transport.destroy()
    }
  }
}

/** Calls in flight on one transport. */
class Calls {
  readonly ended: Promise<string>
  readonly #transport: Transport
  readonly #waiting = new Map<number, Waiting>()
  readonly #over = Promise.withResolvers<string>()
  #reason: string | undefined
  #nextId = 0

  constructor (transport: Transport, bodyBytesMax: number) {
    this.#transport = transport
    this.ended = this.#over.promise
    const decoder = new FrameDecoder({ bodyBytesMax, onFrame: frame => this.#onAnswer(frame) })
    transport.output.on('data', (bytes: Buffer) => {
      try {
        decoder.push(bytes)
      } catch (error) {
        this.#end(error instanceof Error ? error.message : String(error))
        transport.destroy()
      }
    })
    void transport.ended.then(reason => this.#end(reason))
  }

  call (name: string, parameters: object, { mutates = false, pieces = [], signal }: CallBytes): Promise<Frame> {
    return new Promise((resolve, reject) => {
      throwIfAborted(signal)
      if (this.#reason !== undefined) { reject(gone(this.#reason, name, false)); return }
      const id = this.#nextId++
      const settled = (): void => {
        this.#waiting.delete(id)
        signal?.removeEventListener('abort', onAbort)
      }
      const onAbort = (): void => {
        settled()
        this.#transport.input.write(encodeFrame({ cancel: id }))
        reject(abortedError(signal))
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#waiting.set(id, {
        mutates,
        resolve: frame => { settled(); resolve(frame) },
        reject: error => { settled(); reject(error as Error) }
      })
      this.#transport.input.write(encodeFrame({ id, call: name, ...parameters }, pieces))
    })
  }

  #onAnswer ({ body, header }: Frame): void {
    const { error, id, ok } = header
    // An answer to a call that was aborted meets nobody.
    const waiting = this.#waiting.get(id as number)
    if (waiting === undefined) return
    if (typeof ok === 'object' && ok !== null) waiting.resolve({ header: ok as Frame['header'], body })
    else waiting.reject(errorOf(error))
  }

  #end (reason: string): void {
    if (this.#reason !== undefined) return
    this.#reason = reason
    for (const { mutates, reject } of this.#waiting.values()) reject(gone(reason, 'a call', mutates))
    this.#over.resolve(reason)
  }
}

function gone (reason: string, call: string, mutates: boolean): StreambedError {
  return new StreambedError(mutates ? 'OUTCOME_UNKNOWN' : 'UNAVAILABLE', `the plugin process is gone: ${reason}. call=${call}`)
}

/** The process's error as ours. A code that is none of ours is the plugin's fault. */
export function errorOf (told: unknown): StreambedError {
  const { code = 'none', message = 'no message' } = (told ?? {}) as { readonly code?: string, readonly message?: string }
  return code in errorTable
    ? new StreambedError(code as ErrorCode, String(message))
    : new StreambedError('INTERNAL', `the plugin process answered with an error code that does not exist. code=${code} message=${message}`)
}

function checkCapabilities (configured: object, told: unknown): void {
  const sorted = (value: unknown): string => JSON.stringify(value, (_, inner: unknown) => typeof inner === 'object' && inner !== null ? Object.fromEntries(Object.entries(inner).sort(([left], [right]) => left < right ? -1 : 1)) : inner) ?? 'nothing'
  if (sorted(configured) === sorted(told) || sorted(configured) === sorted(withoutIdentity(told))) return
  throw new StreambedError('MISCONFIGURED', `the plugin process has other capabilities than "capabilities" says. configured=${sorted(configured)} process=${sorted(told)}`)
}

/** A configuration from before logs had identities says nothing of that, and goes on working when its process learns it. */
function withoutIdentity (told: unknown): object {
  const { identity: _, ...others } = (told ?? {}) as { readonly identity?: unknown }
  return others
}

function within<T> (pending: Promise<T>, limitMs: number, { clock }: Environment, late: string): Promise<T> {
  return withDeadline({ clock, limitMs, late: () => new StreambedError('TIMEOUT', late) }, () => pending)
}
