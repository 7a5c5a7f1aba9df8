import type { GcsOptions } from './options.ts'

const MiB = 1024 * 1024

/** Google takes 5 TiB; this is what one request can be expected to carry. */
export const objectBytesMax = 5 * 1024 * MiB
export const partBytesMin = 5 * MiB
export const partsMax = 10_000

export function hasMultipart ({ endpoint, multipart }: GcsOptions): boolean { return multipart ?? endpoint === undefined }
