/** Mounts of one NFS export, and the program that stops and starts its server. */
export interface Nfs {
  /** Mounted by one host, `hard`. */
  readonly first: string
  /** Mounted by another host, `hard`. */
  readonly second: string
  /** Mounted `soft`: the client gives up within seconds. */
  readonly soft: string
  /** Called with `start` or `stop`. */
  readonly server: string
}

/** What tools/servers/vm/nfs-job offers; undefined elsewhere. */
export function nfsFromEnvironment (): Nfs | undefined {
  const text = process.env.STREAMBED_TEST_NFS
  return text === undefined ? undefined : JSON.parse(text) as Nfs
}
