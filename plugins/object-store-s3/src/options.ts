import { parseBytes, parseMs, type OptionDoc } from '@streambed/sdk'
import * as z from 'zod'

export interface S3Options {
  readonly bucket: string
  readonly region?: string | undefined
  readonly endpoint?: string | undefined
  readonly pathStyle: boolean
  readonly prefix: string
  readonly checksum: 'crc32c' | 'none'
  readonly conditionalMultipart?: boolean | undefined
  readonly accessKeyId?: string | undefined
  readonly secretAccessKey?: string | undefined
  readonly profile?: string | undefined
  readonly storageClass?: string | undefined
  readonly encryptionKeyId?: string | undefined
  readonly requestTimeout: number
  readonly throughputMin: number
  readonly connectionsMax: number
}

const KiB = 1024
const MiB = 1024 * KiB

function quantity (expected: string, parse: (input: unknown) => number | undefined, min: number, max: number): z.ZodType<number> {
  return z.unknown().transform((input, context) => {
    const value = parse(input)
    if (value !== undefined && value >= min && value <= max) return value
    context.addIssue({ code: 'custom', message: `must be ${expected} of ${min} to ${max}, got ${JSON.stringify(input)}` })
    return z.NEVER
  })
}

export const optionsSchema = z.strictObject({
  bucket: z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'must be the name of a bucket: 3 to 63 lower-case letters, digits, dots and hyphens'),
  region: z.string().min(1).optional(),
  endpoint: z.url({ protocol: /^https?$/, error: 'must be a URL such as https://s3.example.com' }).optional(),
  pathStyle: z.boolean().default(false),
  prefix: z.string().refine(prefix => Buffer.byteLength(prefix) <= 100 && !prefix.startsWith('/') && (prefix === '' || prefix.endsWith('/')), 'must be empty, or end with / and have at most 100 bytes').default(''),
  checksum: z.enum(['crc32c', 'none']).default('crc32c'),
  conditionalMultipart: z.boolean().optional(),
  accessKeyId: z.string().min(1).optional(),
  secretAccessKey: z.string().min(1).optional(),
  profile: z.string().min(1).optional(),
  storageClass: z.string().min(1).optional(),
  encryptionKeyId: z.string().min(1).optional(),
  requestTimeout: quantity('a duration, such as 10s,', parseMs, 100, 600_000).default(10_000),
  throughputMin: quantity('bytes a second, such as 1MiB,', parseBytes, KiB, KiB * MiB).default(MiB),
  connectionsMax: z.int().min(1).max(10_000).default(256)
}).refine(options => (options.accessKeyId === undefined) === (options.secretAccessKey === undefined), { error: 'accessKeyId and secretAccessKey belong together', path: ['secretAccessKey'] })
  .refine(options => options.profile === undefined || options.accessKeyId === undefined, { error: 'cannot be used together with accessKeyId', path: ['profile'] })

export const optionDocs: Readonly<Record<string, OptionDoc>> = Object.freeze({
  bucket: { type: 'string', description: 'The bucket; it must exist. A name that ends with `--x-s3` is a directory bucket of S3 Express One Zone.' },
  region: { type: 'string', default: 'by AWS_REGION or the profile', description: "The bucket's region." },
  endpoint: { type: 'URL', default: 'that of AWS', description: 'A service compatible with S3: Ceph, MinIO, CubeFS, Cloudflare R2.' },
  pathStyle: { type: 'boolean', default: 'false', description: 'Bucket in the path instead of the host name; most services of your own need it.' },
  prefix: { type: 'string', default: "''", description: 'In front of all keys, with a `/` at its end. Clusters that share a bucket need one each.' },
  checksum: { type: 'crc32c | none', default: 'crc32c', description: 'The checksum that the service checks before it stores. `none`: for services that refuse the header. Our own is kept in either case.' },
  conditionalMultipart: { type: 'boolean', default: 'true without endpoint, else false', description: 'Whether the service completes uploads in parts only if the key is free (AWS does; Ceph 16 ignores the condition).' },
  accessKeyId: { type: 'string', default: "AWS's chain", description: 'Best left out: environment, profile, container and instance roles are found in their usual order. As a reference: `{ env: NAME }`.' },
  secretAccessKey: { type: 'string', default: "AWS's chain", description: 'Belongs to accessKeyId. Give a reference, `{ env: NAME }` or `{ file: PATH }`.' },
  profile: { type: 'string', default: 'AWS_PROFILE, or default', description: "A profile of AWS's shared configuration files." },
  storageClass: { type: 'string', default: 'STANDARD', description: "The storage class of new objects, in S3's words." },
  encryptionKeyId: { type: 'string', default: "the bucket's setting", description: 'A KMS key to encrypt new objects with (SSE-KMS).' },
  requestTimeout: { type: 'duration', default: '10s', description: 'For an answer; moving bytes adds their time at throughputMin.' },
  throughputMin: { type: 'bytes', default: '1MiB', description: 'Bytes a second that a request is given time for.' },
  connectionsMax: { type: 'number', default: '256', description: 'Connections to the service at a time.' }
})
