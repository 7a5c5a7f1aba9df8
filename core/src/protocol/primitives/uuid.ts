/** Kafka's "no id": sixteen zero bytes. Ids are written as base64url text of 22 characters, as Kafka's tools print them. */
export const ZERO_UUID = 'AAAAAAAAAAAAAAAAAAAAAA'

const uuidPattern = /^[A-Za-z0-9_-]{21}[AQgw]$/

/** True for the one text form of sixteen bytes: 22 characters, the last holding two bits. */
export function isUuid (text: string): boolean {
  return uuidPattern.test(text)
}
