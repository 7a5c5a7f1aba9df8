import type { OptionDoc } from '@streambed/sdk'
import { remoteOptionDocs, remoteOptions, type RemoteOptions } from '@streambed/sdk/options'
import * as z from 'zod'

export interface S3Options extends RemoteOptions {
  readonly bucket: string
  readonly region?: string | undefined
  readonly endpoint?: string | undefined
  readonly pathStyle: boolean
  readonly checksum: 'crc32c' | 'none'
  readonly conditionalMultipart?: boolean | undefined
  readonly accessKeyId?: string | undefined
  readonly secretAccessKey?: string | undefined
  readonly profile?: string | undefined
  readonly storageClass?: string | undefined
  readonly encryptionKeyId?: string | undefined
}

export const optionsSchema = z.strictObject({
  bucket: z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'must be the name of a bucket: 3 to 63 lower-case letters, digits, dots and hyphens'),
  region: z.string().min(1).optional(),
  endpoint: z.url({ protocol: /^https?$/, error: 'must be a URL such as https://s3.example.com' }).optional(),
  pathStyle: z.boolean().default(false),
  checksum: z.enum(['crc32c', 'none']).default('crc32c'),
  conditionalMultipart: z.boolean().optional(),
  accessKeyId: z.string().min(1).optional(),
  secretAccessKey: z.string().min(1).optional(),
  profile: z.string().min(1).optional(),
  storageClass: z.string().min(1).optional(),
  encryptionKeyId: z.string().min(1).optional(),
  ...remoteOptions
}).refine(options => (options.accessKeyId === undefined) === (options.secretAccessKey === undefined), { error: 'accessKeyId and secretAccessKey belong together', path: ['secretAccessKey'] })
  .refine(options => options.profile === undefined || options.accessKeyId === undefined, { error: 'cannot be used together with accessKeyId', path: ['profile'] })

export const optionDocs: Readonly<Record<string, OptionDoc>> = Object.freeze({
  bucket: { type: 'string', description: 'The bucket; it must exist. A name that ends with `--x-s3` is a directory bucket of S3 Express One Zone.' },
  region: { type: 'string', default: 'by AWS_REGION or the profile', description: "The bucket's region." },
  endpoint: { type: 'URL', default: 'that of AWS', description: 'A service compatible with S3: Ceph, MinIO, CubeFS, Cloudflare R2.' },
  pathStyle: { type: 'boolean', default: 'false', description: 'Bucket in the path instead of the host name; most services of your own need it.' },
  checksum: { type: 'crc32c | none', default: 'crc32c', description: 'The checksum that the service checks before it stores. `none`: for services that refuse the header. Our own is kept in either case.' },
  conditionalMultipart: { type: 'boolean', default: 'true without endpoint, else false', description: 'Whether the service completes uploads in parts only if the key is free (AWS does; Ceph 16 ignores the condition).' },
  accessKeyId: { type: 'string', default: "AWS's chain", description: 'Best left out: environment, profile, container and instance roles are found in their usual order. As a reference: `{ env: NAME }`.' },
  secretAccessKey: { type: 'string', default: "AWS's chain", description: 'Belongs to accessKeyId. Give a reference, `{ env: NAME }` or `{ file: PATH }`.' },
  profile: { type: 'string', default: 'AWS_PROFILE, or default', description: "A profile of AWS's shared configuration files." },
  storageClass: { type: 'string', default: 'STANDARD', description: "The storage class of new objects, in S3's words." },
  encryptionKeyId: { type: 'string', default: "the bucket's setting", description: 'A KMS key to encrypt new objects with (SSE-KMS).' },
  ...remoteOptionDocs
})
