import { StreambedError, type Clock, type ErrorCode, type WalWriter } from '@streambed/sdk'
import type { AttachOptions } from './options.ts'
import { tail, type Outside } from './outside.ts'

/** Told to the hook, as JSON. `version` grows when a field changes its meaning. */
export interface AttachRequest extends WalWriter { readonly path: string }

const codeByStatus: Readonly<Record<number, ErrorCode>> = {
  401: 'PERMISSION_DENIED',
  403: 'PERMISSION_DENIED',
  404: 'MISCONFIGURED',
  405: 'MISCONFIGURED',
  409: 'FENCED'
}
/** The exit status by which a command says that a higher epoch has the disk. */
const fencedExit = 75

/**
 * Has the operator's hook bring the disk to this host and take it from any other: when it succeeds, nobody else can write to
 * it. Called at every opening, so it must be idempotent. Rejects with FENCED, MISCONFIGURED, PERMISSION_DENIED or UNAVAILABLE.
 */
export async function attach (options: AttachOptions, token: string | undefined, request: AttachRequest, outside: Outside, clock: Clock): Promise<void> {
  const { path, clusterId, nodeId, writerEpoch } = request
  const json = JSON.stringify({ version: 1, cluster: clusterId, node: nodeId, epoch: writerEpoch, path })
  if (options.command !== undefined) {
    const { exitCode, signal, stderr } = await outside.run(options.command.map(argument => filled(argument, request)), `${json}\n`, options.timeout, clock)
    if (exitCode === 0) return
    const how = exitCode === undefined ? `signal=${signal}` : `status=${exitCode}`
    if (exitCode === fencedExit) throw new StreambedError('FENCED', `the attach command says that a higher epoch has the disk. path=${path} epoch=${writerEpoch} stderr=${tail(stderr)}`)
    throw new StreambedError('UNAVAILABLE', `the attach command failed, so the disk is not opened; see what it says. program=${options.command[0]} ${how} path=${path} stderr=${tail(stderr)}`)
  }
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const { status, text } = await outside.post(options.url, headers, json, options.timeout, clock)
  if (status >= 200 && status < 300) return
  throw new StreambedError(codeByStatus[status] ?? 'UNAVAILABLE', `the attach service refused, so the disk is not opened; it answers 2xx once the disk is here. url=${options.url} status=${status} path=${path} answer=${tail(text)}`)
}

/** One argument stays one argument, whatever is filled in. */
function filled (argument: string, { clusterId, nodeId, path, writerEpoch }: AttachRequest): string {
  const values: Readonly<Record<string, string>> = { cluster: clusterId, node: String(nodeId), epoch: String(writerEpoch), path }
  return argument.replace(/\{(cluster|node|epoch|path)\}/g, (_, name: string) => values[name]!)
}
