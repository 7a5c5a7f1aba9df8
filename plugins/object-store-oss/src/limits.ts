import type { OssOptions } from './options.ts'

/** Of one request. */
export const objectBytesMax = 5 * 1024 * 1024 * 1024
export const partBytesMin = 100 * 1024
export const partsMax = 10_000

export function isMultipartConditional ({ conditionalMultipart, endpoint }: OssOptions): boolean { return conditionalMultipart ?? endpoint === undefined }
