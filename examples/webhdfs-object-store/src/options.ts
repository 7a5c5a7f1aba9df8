import type { DurabilityScope, OptionDoc } from '@streambed/sdk'
import { durabilityScope, remoteOptionDocs, remoteOptions, type RemoteOptions } from '@streambed/sdk/options'
import * as z from 'zod'

export interface WebHdfsOptions extends Omit<RemoteOptions, 'prefix'> {
  readonly endpoint: string
  readonly path: string
  readonly user?: string | undefined
  readonly delegationToken?: string | undefined
  readonly verifyWrites: boolean
  readonly scope: DurabilityScope
}

const { prefix: _, ...shared } = remoteOptions
const { prefix: _doc, ...sharedDocs } = remoteOptionDocs

export const optionsSchema = z.strictObject({
  endpoint: z.url({ protocol: /^https?$/, error: 'must be a URL such as http://namenode:9870' }).refine(url => URL.canParse(url) && new URL(url).pathname === '/', 'must have no path'),
  path: z.string().regex(/^(\/[A-Za-z0-9._-]+)+$/, 'must be an absolute path of letters, digits, dots, hyphens and underscores').refine(path => !path.split('/').some(part => part === '.' || part === '..'), 'must have no . or .. in it'),
  user: z.string().min(1).optional(),
  delegationToken: z.string().min(1).optional(),
  verifyWrites: z.boolean().default(true),
  scope: durabilityScope(['host', 'zone']).default('host'),
  ...shared
}).refine(({ delegationToken, user }) => user === undefined || delegationToken === undefined, { error: 'cannot be used together with delegationToken, which says it itself', path: ['user'] })

export const optionDocs: Readonly<Record<keyof WebHdfsOptions, OptionDoc>> = {
  endpoint: { type: 'URL', description: "The active namenode's HTTP address, or an HttpFS gateway's: http://namenode:9870." },
  path: { type: 'string', description: 'A folder in HDFS, made when absent. Clusters need one each.' },
  user: { type: 'string', default: 'none', description: 'Who to be, where HDFS believes what it is told (simple authentication).' },
  delegationToken: { type: 'reference ({ env } or { file })', default: 'none', description: 'For a cluster with Kerberos; somebody else renews it.' },
  verifyWrites: { type: 'boolean', default: 'true', description: 'Read each file back before it becomes visible. WebHDFS checks no bytes on the way up; without this, what changed there is found when it is read.' },
  scope: { type: 'host or zone', default: 'host', description: 'What the cluster survives: zone only with rack awareness and dfs.datanode.synconclose=true.' },
  ...sharedDocs
}
