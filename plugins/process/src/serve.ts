import type { Readable, Writable } from 'node:stream'
import { StreambedError, capabilitiesOf, type Environment, type MetadataLog, type MetadataLogPlugin, type MultipartUpload, type ObjectStore, type ObjectStorePlugin, type Plugin, type Wal, type WalOpening, type WalPlugin, type WalRecord, type WalWriter } from '@streambed/sdk'
import { cut, encodeFrame, FrameDecoder, type Frame } from './frames.ts'
import { protocolVersion } from './peer.ts'

/** One call: what it was given, and the signal that the caller has stopped waiting. */
type Handler = (header: Frame['header'], body: Uint8Array, signal: AbortSignal) => Promise<Answer>
interface Answer { readonly ok?: object, readonly pieces?: readonly Uint8Array[] }
interface Served { readonly capabilities: object, readonly opened?: object, readonly handlers: Readonly<Record<string, Handler>> }

/** A page of recovered records holds about this many bytes. */
const pageBytes = 4 * 1024 * 1024

/**
 * Serves a plugin of this process to a host at the other end of two streams: the guest's side of the protocol, for plugins in
 * JavaScript. Resolves when the host has closed the plugin or is gone; what is open is closed then.
 */
export async function servePlugin (plugin: Plugin, streams: { readonly input: Readable, readonly output: Writable }, environment: Environment): Promise<void> {
  const { input, output } = streams
  const cancels = new Map<number, AbortController>()
  const inFlight = new Set<Promise<void>>()
  let served: Promise<Served> | undefined
  const handle = async (header: Frame['header'], body: Uint8Array): Promise<void> => {
    const { call, cancel, id } = header as { readonly call?: string, readonly cancel?: number, readonly id?: number }
    if (cancel !== undefined) { cancels.get(cancel)?.abort(); return }
    const stop = new AbortController()
    cancels.set(id!, stop)
    try {
      if (call === 'open') {
        served ??= open(plugin, header, environment)
        const { capabilities, opened } = await served
        output.write(encodeFrame({ id, ok: { capabilities, ...opened } }))
        return
      }
      const handler = (await served)?.handlers[call ?? '']
      if (handler === undefined) throw new StreambedError('UNSUPPORTED', `no such call. call=${call}`)
      const { ok = {}, pieces = [] } = await handler(header, body, stop.signal)
      output.write(encodeFrame({ id, ok }, pieces))
    } catch (error) {
      output.write(encodeFrame({ id, error: told(error) }))
    } finally {
      cancels.delete(id!)
    }
  }
  const decoder = new FrameDecoder({
    bodyBytesMax: 2 ** 32 - 1,
    onFrame: ({ body, header }) => {
      const handled = handle(header, body)
      inFlight.add(handled)
      void handled.finally(() => inFlight.delete(handled))
    }
  })
  // A host that has gone away reads no answers.
  output.on('error', () => undefined)
  for await (const bytes of input as AsyncIterable<Buffer>) decoder.push(bytes)
  for (const stop of cancels.values()) stop.abort()
  await Promise.all(inFlight)
  await (await served?.catch(() => undefined))?.handlers['close']!({}, new Uint8Array(0), new AbortController().signal)
}

async function open (plugin: Plugin, { kind, opening, options, protocol, writer }: Frame['header'], environment: Environment): Promise<Served> {
  if (protocol !== protocolVersion) throw new StreambedError('UNSUPPORTED', `the host speaks version ${String(protocol)} of the protocol, this process ${protocolVersion}`)
  if (kind !== plugin.kind) throw new StreambedError('MISCONFIGURED', `this process serves the kind ${plugin.kind}, and is asked for ${String(kind)}`)
  const result = await plugin.options['~standard'].validate(options)
  if (result.issues !== undefined) throw new StreambedError('MISCONFIGURED', result.issues.map(({ message, path = [] }) => `options.${path.map(String).join('.')}: ${message}`).join('\n'))
  const capabilities = capabilitiesOf(plugin as { readonly capabilities: object }, result.value)
  if (plugin.kind !== 'objectStore' && plugin.needsObjectStore) throw new StreambedError('UNSUPPORTED', 'a plugin that lives in an object store cannot run in a process of its own')
  switch (plugin.kind) {
    case 'objectStore': return { capabilities, handlers: objectStoreHandlers(await (plugin as ObjectStorePlugin).open(result.value, environment)) }
    case 'wal': {
      const wal = await (plugin as WalPlugin).open(result.value, environment, { writer: writer as WalWriter, opening: opening as WalOpening | undefined })
      const { identity } = wal
      return { capabilities, opened: { usage: wal.usage(), ...identity === undefined ? {} : { identity } }, handlers: walHandlers(wal) }
    }
    case 'metadataLog': return { capabilities, handlers: metadataLogHandlers(await (plugin as MetadataLogPlugin).open(result.value, environment, {})) }
    default: return plugin satisfies never
  }
}

function objectStoreHandlers (store: ObjectStore): Served['handlers'] {
  const uploads = new Map<number, MultipartUpload>()
  let uploadCount = 0
  const uploadOf = (header: Frame['header']): MultipartUpload => {
    const upload = uploads.get(header['upload'] as number)
    if (upload === undefined) throw new StreambedError('NOT_FOUND', `the upload has ended, or was begun with another process. upload=${String(header['upload'])}`)
    return upload
  }
  const key = (header: Frame['header']): string => header['key'] as string
  return {
    put: async (header, body, signal) => ({ ok: await store.put(key(header), body, { ifAbsent: header['ifAbsent'] === true, signal }) }),
    get: async (header, _, signal) => {
      const range = header['range'] as readonly [number, number] | undefined
      return { pieces: [await store.get(key(header), { signal, ...range === undefined ? {} : { range: { start: range[0], end: range[1] } } })] }
    },
    head: async (header, _, signal) => ({ ok: await store.head(key(header), { signal }) }),
    list: async (header, _, signal) => {
      const { limit, prefix, startAfter } = header as { readonly limit: number, readonly prefix: string, readonly startAfter?: string }
      return { ok: await store.list(prefix, { limit, signal, ...startAfter === undefined ? {} : { startAfter } }) }
    },
    delete: async (header, _, signal) => {
      const outcomes = await store.delete(header['keys'] as readonly string[], { signal })
      return { ok: { failures: Object.fromEntries(outcomes.flatMap((outcome, index) => outcome.kind === 'failed' ? [[index, told(outcome.error)]] : [])) } }
    },
    startMultipart: async (header, _, signal) => {
      const upload = await store.startMultipart(key(header), { ifAbsent: header['ifAbsent'] === true, signal })
      uploads.set(++uploadCount, upload)
      return { ok: { upload: uploadCount } }
    },
    uploadPart: async (header, body, signal) => {
      await uploadOf(header).uploadPart(header['number'] as number, body, { signal })
      return {}
    },
    completeMultipart: async (header, _, signal) => ({ ok: await uploadOf(header).complete({ signal }) }),
    abortMultipart: async (header, _, signal) => {
      await uploadOf(header).abort({ signal })
      return {}
    },
    sweepUploads: async (header, _, signal) => ({ ok: { count: await store.sweepUploads(header['prefix'] as string, header['beforeMs'] as number, { signal }) } }),
    preflight: async (_header, _body, signal) => ({ ok: { findings: await store.preflight({ signal }) } }),
    close: async () => {
      await store.close()
      return {}
    }
  }
}

function walHandlers (wal: Wal): Served['handlers'] {
  let records: AsyncIterator<WalRecord> | undefined
  let ahead: WalRecord | undefined
  return {
    append: async (_, body) => ({ ok: { position: await wal.append([body]), usage: wal.usage() } }),
    recover: async () => {
      records ??= wal.recover()[Symbol.asyncIterator]()
      const page: WalRecord[] = ahead === undefined ? [] : [ahead]
      ahead = undefined
      for (let bytes = 0; ;) {
        const next = await records.next()
        if (next.done === true) return { ok: { positions: page.map(({ position }) => position), sizes: page.map(({ data }) => data.length), isLast: true }, pieces: page.map(({ data }) => data) }
        bytes += next.value.data.length
        if (page.length > 0 && bytes > pageBytes) {
          ahead = next.value
          return { ok: { positions: page.map(({ position }) => position), sizes: page.map(({ data }) => data.length), isLast: false }, pieces: page.map(({ data }) => data) }
        }
        page.push(next.value)
      }
    },
    trim: async header => {
      await wal.trim(header['position'] as number)
      return { ok: { usage: wal.usage() } }
    },
    close: async () => {
      await wal.close()
      return {}
    }
  }
}

function metadataLogHandlers (log: MetadataLog): Served['handlers'] {
  return {
    append: async (header, body) => {
      await log.append(header['expectedEnd'] as number, cut(body, header['sizes'] as readonly number[]))
      return {}
    },
    read: async header => {
      const { end, entries } = await log.read(header['from'] as number)
      return { ok: { sizes: entries.map(({ length }) => length), end }, pieces: entries }
    },
    waitForGrowth: async (header, _, signal) => {
      await log.waitForGrowth(header['from'] as number, { signal })
      return {}
    },
    writeSnapshot: async (header, body) => {
      await log.writeSnapshot(header['at'] as number, body)
      return {}
    },
    latestSnapshot: async () => {
      const snapshot = await log.latestSnapshot()
      return snapshot === undefined ? { ok: { at: null } } : { ok: { at: snapshot.at }, pieces: [snapshot.state] }
    },
    truncateBefore: async header => {
      await log.truncateBefore(header['position'] as number)
      return {}
    },
    close: async () => {
      await log.close()
      return {}
    }
  }
}

function told (error: unknown): { readonly code: string, readonly message: string } {
  if (StreambedError.is(error)) return { code: error.code, message: error.message }
  return { code: 'INTERNAL', message: error instanceof Error ? error.message : String(error) }
}
