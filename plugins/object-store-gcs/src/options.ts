import type { DurabilityScope, OptionDoc } from '@streambed/sdk'
import { durabilityScope, remoteOptionDocs, remoteOptions, type RemoteOptions } from '@streambed/sdk/options'
import * as z from 'zod'

export interface GcsOptions extends RemoteOptions {
  readonly bucket: string
  readonly location?: string | undefined
  readonly scope: Extract<DurabilityScope, 'zone' | 'region' | 'multiRegion'>
  readonly credentials: 'google' | 'none'
  readonly serviceAccountKey?: ServiceAccountKey | undefined
  readonly endpoint?: string | undefined
  readonly multipart?: boolean | undefined
  readonly storageClass?: 'STANDARD' | 'NEARLINE' | 'COLDLINE' | 'ARCHIVE' | undefined
  readonly encryptionKeyId?: string | undefined
}

export interface ServiceAccountKey { readonly client_email: string, readonly private_key: string, readonly private_key_id?: string | undefined }

const keySchema = z.object({ type: z.literal('service_account'), client_email: z.string().min(1), private_key: z.string().includes('PRIVATE KEY'), private_key_id: z.string().optional() })

/** What is wrong with it is told without any of it. */
function readKey (text: string, context: z.RefinementCtx): ServiceAccountKey {
  try {
    return keySchema.parse(JSON.parse(text))
  } catch {
    context.addIssue({ code: 'custom', message: "must be the JSON text of a service account's key file (type: service_account); other kinds of files go by GOOGLE_APPLICATION_CREDENTIALS" })
    return z.NEVER
  }
}

export const optionsSchema = z.strictObject({
  bucket: z.string().regex(/^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/, 'must be the name of a bucket: 3 to 222 lower-case letters, digits, dots, hyphens and underscores'),
  location: z.string().min(1).optional(),
  scope: durabilityScope(['zone', 'region', 'multiRegion']).default('region'),
  credentials: z.enum(['google', 'none']).default('google'),
  serviceAccountKey: z.string().transform(readKey).optional(),
  endpoint: z.url({ protocol: /^https?$/, error: 'must be a URL such as https://storage.googleapis.com' })
    .refine(url => URL.canParse(url) && new URL(url).pathname === '/', 'must have no path').optional(),
  multipart: z.boolean().optional(),
  storageClass: z.enum(['STANDARD', 'NEARLINE', 'COLDLINE', 'ARCHIVE']).optional(),
  encryptionKeyId: z.string().regex(/^projects\/[^/]+\/locations\/[^/]+\/keyRings\/[^/]+\/cryptoKeys\/[^/]+$/, 'must be projects/…/locations/…/keyRings/…/cryptoKeys/…').optional(),
  ...remoteOptions
}).refine(options => options.serviceAccountKey === undefined || options.credentials === 'google', { error: 'cannot be used together with credentials: none', path: ['serviceAccountKey'] })

export const optionDocs: Readonly<Record<string, OptionDoc>> = Object.freeze({
  bucket: { type: 'string', description: 'The bucket; it must exist.' },
  location: { type: 'string', default: 'not checked', description: "Where the bucket must be, in Google's words: `europe-west3`, `EU`. `streambed doctor` says when it is elsewhere." },
  scope: { type: 'zone, region or multiRegion', default: 'region', description: 'What the bucket survives: one in a `region`; a dual-region or multi-region is `multiRegion`, a zonal one `zone`. `streambed doctor` holds it against the bucket.' },
  credentials: { type: 'google | none', default: 'google', description: '`google`: application default credentials (GOOGLE_APPLICATION_CREDENTIALS, gcloud, workload identity and its federation, the machine\'s service account). `none`: for emulators.' },
  serviceAccountKey: { type: 'string', default: "Google's chain", description: 'The key of a service account, as the JSON text of its file. Best left out. Give a reference, `{ file: PATH }`.' },
  endpoint: { type: 'URL', default: 'https://storage.googleapis.com', description: 'For private endpoints and emulators.' },
  multipart: { type: 'boolean', default: 'true without endpoint, else false', description: 'Whether the service has uploads in parts (those of the XML API). Google has them, emulators do not.' },
  storageClass: { type: 'STANDARD | NEARLINE | COLDLINE | ARCHIVE', default: "the bucket's", description: 'The storage class of new objects. All but STANDARD charge for early deletion, and for reading.' },
  encryptionKeyId: { type: 'string', default: "the bucket's setting", description: 'A Cloud KMS key to encrypt new objects with: `projects/…/cryptoKeys/…`.' },
  ...remoteOptionDocs
})
