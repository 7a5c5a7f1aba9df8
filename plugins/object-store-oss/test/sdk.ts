// What tests use of Alibaba Cloud's own client, which has no types: its signer, to judge our signatures, and the client itself.
import { createRequire } from 'node:module'

export interface AliOss {
  put (name: string, body: Buffer, options?: { readonly headers?: Readonly<Record<string, string>>, readonly meta?: Readonly<Record<string, string>> }): Promise<{ readonly res: { readonly status: number } }>
  get (name: string, options?: { readonly headers?: Readonly<Record<string, string>> }): Promise<{ readonly content: Buffer, readonly res: { readonly status: number } }>
  head (name: string): Promise<{ readonly meta: Readonly<Record<string, string>> | null, readonly res: { readonly headers: Readonly<Record<string, string>> } }>
  delete (name: string): Promise<unknown>
  deleteMulti (names: readonly string[]): Promise<{ readonly deleted?: readonly { readonly Key: string }[] }>
  listV2 (query: Readonly<Record<string, string>>): Promise<{ readonly objects?: readonly { readonly name: string, readonly size: number }[] }>
  multipartUpload (name: string, body: Buffer, options: { readonly partSize: number }): Promise<unknown>
  putBucket (name: string): Promise<unknown>
}

interface Signer {
  authorizationV4 (
    accessKeyId: string, accessKeySecret: string, region: string, method: string,
    request: { readonly headers: Readonly<Record<string, string>>, readonly queries: Readonly<Record<string, string | undefined>> }, bucket: string | undefined, name: string | undefined, additionalHeaders?: readonly string[]
  ): string
}

const require = createRequire(import.meta.url)
export const signer = require('ali-oss/lib/common/signUtils') as Signer

export function aliOss (options: { readonly bucket: string, readonly region: string, readonly endpoint: string, readonly pathStyle: boolean, readonly accessKeyId: string, readonly accessKeySecret: string }): AliOss {
  const Client = require('ali-oss') as new (options: object) => AliOss
  return new Client({ ...options, region: `oss-${options.region}`, sldEnable: options.pathStyle, secure: options.endpoint.startsWith('https:'), authorizationV4: true, retryMax: 0 })
}
