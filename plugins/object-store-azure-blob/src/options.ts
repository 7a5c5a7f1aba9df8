import type { OptionDoc } from '@streambed/sdk'
import { remoteOptionDocs, remoteOptions, type RemoteOptions } from '@streambed/sdk/options'
import * as z from 'zod'

export interface AzureBlobOptions extends RemoteOptions {
  readonly container: string
  readonly account?: string | undefined
  readonly endpoint?: string | undefined
  readonly accountKey?: string | undefined
  readonly sasToken?: string | undefined
  readonly connectionString?: string | undefined
  readonly checksum: 'md5' | 'none'
  readonly accessTier?: 'Hot' | 'Cool' | 'Cold' | undefined
  readonly redundancy: 'zone' | 'region'
}

const ways = ['accountKey', 'sasToken', 'connectionString'] as const

export const optionsSchema = z.strictObject({
  container: z.string().regex(/^[a-z0-9](-?[a-z0-9]){2,62}$/, 'must be the name of a container: 3 to 63 lower-case letters, digits and single hyphens'),
  account: z.string().regex(/^[a-z0-9]{3,24}$/, 'must be the name of a storage account: 3 to 24 lower-case letters and digits').optional(),
  endpoint: z.url({ protocol: /^https?$/, error: 'must be a URL such as https://account.blob.core.windows.net' }).optional(),
  accountKey: z.base64({ error: 'must be the base64 text of an account key' }).min(1).optional(),
  sasToken: z.string().min(1).optional(),
  connectionString: z.string().min(1).optional(),
  checksum: z.enum(['md5', 'none']).default('md5'),
  accessTier: z.enum(['Hot', 'Cool', 'Cold']).optional(),
  redundancy: z.enum(['zone', 'region']).default('zone'),
  ...remoteOptions
}).refine(options => options.account !== undefined || options.connectionString !== undefined, { error: 'is required, unless there is a connectionString', path: ['account'] })
  .refine(options => ways.filter(way => options[way] !== undefined).length <= 1, { error: `of ${ways.join(', ')} at most one may be given`, path: ['accountKey'] })
  .refine(options => options.connectionString === undefined || (options.endpoint === undefined && options.account === undefined), { error: 'holds account and endpoint; leave those out', path: ['connectionString'] })

export const optionDocs: Readonly<Record<string, OptionDoc>> = Object.freeze({
  container: { type: 'string', description: 'The container; it must exist.' },
  account: { type: 'string', default: 'by the connectionString', description: 'The storage account.' },
  endpoint: { type: 'URL', default: 'https://<account>.blob.core.windows.net', description: 'The blob endpoint, for sovereign clouds, private endpoints and Azurite.' },
  accountKey: { type: 'string', default: "Azure's chain", description: 'Best left out: environment, workload identity, managed identity and developer logins are found in their usual order. As a reference: `{ env: NAME }`.' },
  sasToken: { type: 'string', default: "Azure's chain", description: 'A shared access signature with read, write, delete and list on the container. Give a reference.' },
  connectionString: { type: 'string', default: "Azure's chain", description: 'The whole connection string of an account. Give a reference.' },
  checksum: { type: 'md5 | none', default: 'md5', description: 'The checksum that the service checks before it stores; `none` saves 1.2 ms of CPU a MiB. Our own CRC-32C is kept in either case, and checked when whole objects are read.' },
  accessTier: { type: 'Hot | Cool | Cold', default: "the account's", description: 'The access tier of new objects.' },
  redundancy: { type: 'zone | region', default: 'zone', description: "What the account's redundancy survives: LRS one `zone`, ZRS and GZRS a `region`. It is declared here and proves nothing." },
  ...remoteOptionDocs
})
