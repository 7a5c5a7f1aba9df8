import { StreambedError, type Environment } from '@streambed/sdk'
import { ClusterImage, type TableName } from './image.ts'

/** Version 1 had nodes without incarnations, and no table of abandoned ids. */
const snapshotVersion = 2
const nodeOfVersion1 = Object.freeze({ incarnation: null, walPosition: null, triedAt: null })
const rowsPerTurn = 2_000
const encoder = new TextEncoder()

/**
 * A snapshot is lines of JSON: a header with the version and the count of rows, then one `[table, key, value]` each. The
 * rows are gathered at once, so that they are one consistent state (values are never modified), and written in slices, so
 * that a large image does not stall the event loop.
 */
export async function encodeSnapshot (image: ClusterImage, environment: Pick<Environment, 'yieldTurn'>): Promise<Uint8Array> {
  const rows: [string, unknown, unknown][] = []
  for (const [name, table] of Object.entries(image.tables)) {
    for (const [key, value] of (table as Map<unknown, unknown>).entries()) rows.push([name, key, value])
  }
  const pieces = [encoder.encode(`${JSON.stringify({ version: snapshotVersion, rows: rows.length })}\n`)]
  for (let start = 0; start < rows.length; start += rowsPerTurn) {
    const lines = rows.slice(start, start + rowsPerTurn).map(row => `${JSON.stringify(row)}\n`)
    pieces.push(encoder.encode(lines.join('')))
    await environment.yieldTurn()
  }
  return Buffer.concat(pieces)
}

/** UNSUPPORTED for a newer version, CORRUPT for anything that `encodeSnapshot` never wrote. */
export function decodeSnapshot (bytes: Uint8Array): ClusterImage {
  const image = new ClusterImage()
  const lines = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8').split('\n')
  let header: { readonly version: number, readonly rows: number }
  try {
    header = JSON.parse(lines[0] ?? '') as typeof header
  } catch (cause) {
    throw new StreambedError('CORRUPT', 'metadata snapshot has no readable header', { cause })
  }
  if (header.version !== snapshotVersion && header.version !== 1) throw new StreambedError('UNSUPPORTED', `metadata snapshot is of another version. version=${header.version} supported<=${snapshotVersion}; start a newer Streambed`)
  if (lines.length !== header.rows + 2) throw new StreambedError('CORRUPT', `metadata snapshot is incomplete. rows=${lines.length - 2} expected=${header.rows}`)
  for (const line of lines.slice(1, -1)) {
    const [name, key, value] = JSON.parse(line) as [TableName, never, never]
    const table = image.tables[name] as Map<never, never> | undefined
    if (table === undefined) throw new StreambedError('UNSUPPORTED', `metadata snapshot has a table that this program does not know. table=${String(name)}; start a newer Streambed`)
    table.set(key, value)
  }
  for (const [nodeId, node] of image.tables.nodes.entries()) image.tables.nodes.set(nodeId, { ...nodeOfVersion1, ...node })
  return image
}
