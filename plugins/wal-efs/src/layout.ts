/** Names within the log's folder. A segment or epoch file is never made again under a name that was used. */
export interface SegmentId { readonly epoch: number, readonly number: number }

export function logPath (path: string): string { return `${path}/log` }
export function identityPath (path: string): string { return `${path}/identity` }
export function epochsPath (path: string): string { return `${path}/epochs` }
export function segmentsPath (path: string): string { return `${path}/segments` }
export function epochPath (path: string, epoch: number): string { return `${path}/epochs/${padded(epoch, 16)}` }
export function segmentPath (path: string, { epoch, number }: SegmentId): string { return `${path}/segments/${padded(epoch, 16)}-${padded(number, 10)}` }

export function epochOf (name: string): number | undefined { return /^\d{16}$/.test(name) ? Number(name) : undefined }

export function segmentIdOf (name: string): SegmentId | undefined {
  const match = /^(\d{16})-(\d{10})$/.exec(name)
  return match === null ? undefined : { epoch: Number(match[1]), number: Number(match[2]) }
}

export function isSame (a: SegmentId, b: SegmentId): boolean { return a.epoch === b.epoch && a.number === b.number }

function padded (value: number, digits: number): string { return String(value).padStart(digits, '0') }
