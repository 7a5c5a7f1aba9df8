/** The name of the object metadata that holds the writer's token. */
export const ownerField = 'streambedowner'

/** A CRC-32C as Google writes it: base64 of its four bytes, big end first. */
export function base64Of (crc32c: number): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(crc32c)
  return bytes.toString('base64')
}

/** The CRC-32C of the stored object in a header `x-goog-hash: crc32c=…,md5=…`, which is there once or twice. */
export function crc32cIn (header: string | readonly string[] | undefined): number | undefined {
  const text = /(?:^|,\s*)crc32c=([A-Za-z0-9+/]{6}==)/.exec(String(header ?? ''))?.[1]
  return text === undefined ? undefined : Buffer.from(text, 'base64').readUInt32BE()
}
