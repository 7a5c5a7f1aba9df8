import type { OptionDoc } from '@streambed/sdk'
import { durabilityScope, remoteOptionDocs, remoteOptions, type RemoteOptions } from '@streambed/sdk/options'
import * as z from 'zod'

export interface OssOptions extends RemoteOptions {
  readonly bucket: string
  readonly region: string
  readonly internal: boolean
  readonly endpoint?: string | undefined
  readonly pathStyle: boolean
  readonly scope: 'zone' | 'region'
  readonly checksum: 'md5' | 'none'
  readonly conditionalMultipart?: boolean | undefined
  readonly accessKeyId?: string | undefined
  readonly accessKeySecret?: string | undefined
  readonly securityToken?: string | undefined
  readonly storageClass?: 'Standard' | 'IA' | undefined
  readonly encryptionKeyId?: string | undefined
}

export const optionsSchema = z.strictObject({
  bucket: z.string().regex(/^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/, 'must be the name of a bucket: 3 to 63 lower-case letters, digits and hyphens'),
  region: z.string().regex(/^(?!oss-)[a-z0-9-]+$/, 'must be a region such as cn-hangzhou, without oss- in front'),
  internal: z.boolean().default(false),
  endpoint: z.url({ protocol: /^https?$/, error: 'must be a URL such as https://oss-cn-hangzhou.aliyuncs.com' })
    .refine(url => URL.canParse(url) && new URL(url).pathname === '/', 'must have no path').optional(),
  pathStyle: z.boolean().default(false),
  scope: durabilityScope(['zone', 'region']).default('zone'),
  checksum: z.enum(['md5', 'none']).default('md5'),
  conditionalMultipart: z.boolean().optional(),
  accessKeyId: z.string().min(1).optional(),
  accessKeySecret: z.string().min(1).optional(),
  securityToken: z.string().min(1).optional(),
  storageClass: z.enum(['Standard', 'IA']).optional(),
  encryptionKeyId: z.string().min(1).optional(),
  ...remoteOptions
}).refine(options => (options.accessKeyId === undefined) === (options.accessKeySecret === undefined), { error: 'accessKeyId and accessKeySecret belong together', path: ['accessKeySecret'] })
  .refine(options => options.securityToken === undefined || options.accessKeyId !== undefined, { error: 'belongs to an accessKeyId', path: ['securityToken'] })
  .refine(options => options.endpoint === undefined || !options.internal, { error: 'cannot be used together with endpoint, which says it itself', path: ['internal'] })

export const optionDocs: Readonly<Record<string, OptionDoc>> = Object.freeze({
  bucket: { type: 'string', description: 'The bucket; it must exist, and never have had versioning: OSS creates nothing conditionally where it is enabled or suspended.' },
  region: { type: 'string', description: "The bucket's region, which signatures name: `cn-hangzhou`." },
  internal: { type: 'boolean', default: 'false', description: "The region's internal endpoint, whose traffic is free from machines of Alibaba Cloud in that region." },
  endpoint: { type: 'URL', default: "the region's", description: 'Without the bucket: for dedicated endpoints, and for tests.' },
  pathStyle: { type: 'boolean', default: 'false', description: 'Bucket in the path instead of the host name. OSS itself refuses that; services in front of it may need it.' },
  scope: { type: 'zone or region', default: 'zone', description: "What the bucket survives: locally redundant storage (LRS) is `zone`, zone-redundant (ZRS) `region`. `streambed doctor` holds it against the bucket." },
  checksum: { type: 'md5 | none', default: 'md5', description: 'The checksum that the service checks before it stores; `none` saves 1.2 ms of CPU a MiB. Our own CRC-32C is kept in either case, and checked when whole objects are read.' },
  conditionalMultipart: { type: 'boolean', default: 'true without endpoint, else false', description: 'Whether the service completes uploads in parts only if the key is free. OSS does.' },
  accessKeyId: { type: 'string', default: "Alibaba Cloud's chain", description: 'Best left out: environment (ALIBABA_CLOUD_ACCESS_KEY_ID), OIDC role of a pod (RRSA), profiles, RAM role of the machine, credentials URI are found in their usual order. As a reference: `{ env: NAME }`.' },
  accessKeySecret: { type: 'string', default: "Alibaba Cloud's chain", description: 'Belongs to accessKeyId. Give a reference, `{ env: NAME }` or `{ file: PATH }`.' },
  securityToken: { type: 'string', default: 'none', description: 'Of temporary keys of STS, which nobody renews: for trials. Give a reference.' },
  storageClass: { type: 'Standard | IA', default: "the bucket's", description: 'The storage class of new objects. IA charges for reading, for early deletion, and small objects as 64 KB.' },
  encryptionKeyId: { type: 'string', default: "the bucket's setting", description: 'A KMS key to encrypt new objects with (SSE-KMS).' },
  ...remoteOptionDocs
})
