import type { MetadataLogCapabilities, ObjectStoreCapabilities, OptionDoc, WalCapabilities } from '@streambed/sdk'
import { bytes, duration } from '@streambed/sdk/options'
import { z } from 'zod'

export interface ProcessOptions<Capabilities = object> {
  readonly command?: readonly string[] | undefined
  readonly socket?: string | undefined
  readonly startTimeout: number
  readonly closeTimeout: number
  readonly messageBytesMax: number
  readonly capabilities: Capabilities
  readonly options: Readonly<Record<string, unknown>>
}

const MiB = 2 ** 20
const scope = z.enum(['process', 'host', 'zone', 'region', 'multiRegion'])
const latencyClass = z.enum(['A', 'B', 'C'])

const objectStoreCapabilities: z.ZodType<ObjectStoreCapabilities> = z.strictObject({
  conditionalCreate: z.enum(['atomic', 'none']),
  multipart: z.union([z.literal(false), z.strictObject({ partBytesMin: z.int().min(1), partsMax: z.int().min(1), conditionalComplete: z.boolean() })]),
  objectBytesMax: z.int().min(1), scope, latencyClass
})
const walCapabilities: z.ZodType<WalCapabilities> = z.strictObject({
  scope, latencyClass, fencing: z.enum(['lock', 'epochFile', 'conditionalPut', 'reservation']), remoteTakeover: z.boolean(),
  identity: z.boolean().exactOptional()
})
const metadataLogCapabilities: z.ZodType<MetadataLogCapabilities> = z.strictObject({ scope, isShared: z.boolean(), entryBytesMax: z.int().min(1) })

function schemaOf<Capabilities> (capabilities: z.ZodType<Capabilities>): z.ZodType<ProcessOptions<Capabilities>> {
  return z.strictObject({
    command: z.array(z.string()).min(1).optional(),
    socket: z.string().min(1).optional(),
    startTimeout: duration(100, 600_000).default(10_000),
    closeTimeout: duration(100, 600_000).default(10_000),
    messageBytesMax: bytes(MiB, 2 ** 32 - 1).default(256 * MiB),
    capabilities,
    options: z.record(z.string(), z.unknown()).default({})
  }).refine(({ command, socket }) => (command === undefined) !== (socket === undefined), { path: ['command'], error: 'give either "command" or "socket"' }) as z.ZodType<ProcessOptions<Capabilities>>
}

export const objectStoreOptions: z.ZodType<ProcessOptions<ObjectStoreCapabilities>> = schemaOf(objectStoreCapabilities)
export const walOptions: z.ZodType<ProcessOptions<WalCapabilities>> = schemaOf(walCapabilities)
export const metadataLogOptions: z.ZodType<ProcessOptions<MetadataLogCapabilities>> = schemaOf(metadataLogCapabilities)

export const optionDocs: Readonly<Record<string, OptionDoc>> = Object.freeze({
  command: { type: 'list of strings', default: 'none', description: 'The program of the plugin and its arguments, run as it stands, by no shell; it speaks over its standard input and output. Either this or `socket`.' },
  socket: { type: 'string', default: 'none', description: 'Where a plugin process listens that was started otherwise: the path of a Unix socket, or host:port. Either this or `command`.' },
  startTimeout: { type: 'duration (10s)', default: '10s', description: 'How long the process may take to open what it serves.' },
  closeTimeout: { type: 'duration (10s)', default: '10s', description: 'How long it may take to close; then it is ended.' },
  messageBytesMax: { type: 'bytes (256MiB)', default: '256MiB', description: 'The largest body of one message, 1MiB to 4GiB - 1: objects that are read whole and parts must fit.' },
  capabilities: { type: 'mapping', description: 'What the author claims of the plugin. The process says the same when it opens, or it is refused.' },
  options: { type: 'mapping', default: '{}', description: 'Handed to the process as they are.' }
})
