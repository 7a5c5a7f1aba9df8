import { StreambedError, checkOpening, mintIdentity, type FoundLog, type OpeningRequest, type Random, type WalIdentity, type WalPosition } from '@streambed/sdk'
import { DatabaseSync } from 'node:sqlite'
import { errorOf, isMissing } from './errors.ts'

/** What a record takes besides its data: its row, its share of a page. */
export const recordOverheadBytes = 64

export interface LogEnds {
  /** The last record that was trimmed, and the last that was appended; positions are 1, 2, 3… without gaps. */
  readonly trimmedTo: WalPosition
  readonly lastPosition: WalPosition
}

export interface StoredRecord { readonly position: WalPosition, readonly data: Uint8Array, readonly crc32c: number }

/** `id` is null in a database that was made before logs had identities, until it is next opened. */
interface LogRow extends LogEnds { readonly clusterId: string, readonly nodeId: number, readonly writerEpoch: number, readonly id?: string | null }

/**
 * The log as two tables: `log`, of one row, says whose it is and where it begins and ends; `records` holds the rest. Each
 * method is one transaction, durable when it returns, and each that changes something is refused unless the row still has
 * our epoch: a takeover comes either before a batch or after it, never within.
 */
export class LogDatabase {
  /** What the log said of itself before this opening (W-13). */
  readonly identity: WalIdentity
  readonly #database: DatabaseSync
  readonly #writerEpoch: number

  /** Takes the log over. WRONG_MEDIUM, FENCED, MISCONFIGURED, or what SQLite says. */
  static open (path: string, lockTimeoutMs: number, request: OpeningRequest, random: Random): LogDatabase {
    let database: DatabaseSync | undefined
    try {
      // SQLite makes a database of any name that it may write to: whether there should be one is asked before (W-12).
      checkOpening(look(path, lockTimeoutMs), request)
      database = new DatabaseSync(path, { timeout: lockTimeoutMs })
      // FULL: a commit is flushed to the disk before it is answered. NORMAL, with this journal, would not flush.
      database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
      return new LogDatabase(database, request, random)
    } catch (error) {
      if (database?.isOpen === true) database.close()
      throw errorOf(`opening the log ${path}`, error, { isInDoubt: false })
    }
  }

  private constructor (database: DatabaseSync, request: OpeningRequest, random: Random) {
    this.#database = database
    this.#writerEpoch = request.writer.writerEpoch
    this.identity = this.#transaction(`opening the log. ${request.place}`, () => takeOver(database, request, random))
  }

  ends (): LogEnds {
    return this.#transaction('reading the log', () => rowOf(this.#database)!)
  }

  /** Bytes of the records that are kept. */
  usedBytes (): number {
    return this.#transaction('reading the log', () => {
      const { used } = this.#database.prepare('SELECT coalesce(sum(length(data) + ?), 0) AS used FROM records').get(recordOverheadBytes) as { readonly used: number }
      return used
    })
  }

  /** The first record after `position`. */
  next (position: WalPosition): StoredRecord | undefined {
    return this.#transaction('reading the log', () => {
      return this.#database.prepare('SELECT position, data, crc32c FROM records WHERE position > ? ORDER BY position LIMIT 1').get(position) as unknown as StoredRecord | undefined
    })
  }

  /** Adds all of `records`, which follow the last one, or none. */
  append (records: readonly StoredRecord[]): void {
    this.#transaction('append', () => {
      this.#changeLog('lastPosition', records.at(-1)!.position)
      const insert = this.#database.prepare('INSERT INTO records (position, data, crc32c) VALUES (?, ?, ?)')
      for (const { crc32c, data, position } of records) insert.run(position, data, crc32c)
    })
  }

  /** Removes the records up to `position`, and resolves with how many bytes that freed. */
  trim (position: WalPosition): number {
    return this.#transaction('trim', () => {
      const before = this.#database.prepare('SELECT coalesce(sum(length(data) + ?), 0) AS freed FROM records WHERE position <= ?').get(recordOverheadBytes, position) as { readonly freed: number }
      this.#changeLog('trimmedTo', position)
      this.#database.prepare('DELETE FROM records WHERE position <= ?').run(position)
      return before.freed
    })
  }

  close (): void { this.#database.close() }

  #changeLog (column: keyof LogEnds, position: WalPosition): void {
    const { changes } = this.#database.prepare(`UPDATE log SET ${column} = ? WHERE writerEpoch = ?`).run(position, this.#writerEpoch)
    if (changes === 0) throw fenced(this.#writerEpoch, rowOf(this.#database)?.writerEpoch)
  }

  #transaction<T> (action: string, body: () => T): T {
    let isCommitting = false
    try {
      // At once the writers' lock, not when the first statement wants it: by then a rival may have committed.
      this.#database.exec('BEGIN IMMEDIATE')
      const result = body()
      isCommitting = true
      this.#database.exec('COMMIT')
      return result
    } catch (error) {
      const failure = errorOf(action, error, { isInDoubt: isCommitting })
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      throw failure
    }
  }
}

/** What is in the file at `path`, without making one. */
function look (path: string, lockTimeoutMs: number): FoundLog | undefined {
  let database
  try {
    database = new DatabaseSync(path, { readOnly: true, timeout: lockTimeoutMs })
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
  try {
    return foundIn(database)
  } finally {
    database.close()
  }
}

function foundIn (database: DatabaseSync): FoundLog | undefined {
  if (database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'log'").get() === undefined) return undefined
  const row = rowOf(database)
  return row === undefined ? undefined : { clusterId: row.clusterId, nodeId: row.nodeId, id: row.id ?? undefined }
}

/** In one transaction: makes the tables and the row where they are missing, mints an identity where there is none, and fences. */
function takeOver (database: DatabaseSync, request: OpeningRequest, random: Random): WalIdentity {
  const { writer: { clusterId, nodeId, writerEpoch } } = request
  // Again: somebody else may have made it since we looked.
  checkOpening(foundIn(database), request)
  database.exec(`
    CREATE TABLE IF NOT EXISTS log (only INTEGER PRIMARY KEY CHECK (only = 1), clusterId TEXT NOT NULL, nodeId INTEGER NOT NULL,
      writerEpoch INTEGER NOT NULL, trimmedTo INTEGER NOT NULL, lastPosition INTEGER NOT NULL, id TEXT) STRICT;
    CREATE TABLE IF NOT EXISTS records (position INTEGER PRIMARY KEY, data BLOB NOT NULL, crc32c INTEGER NOT NULL) STRICT`)
  const found = rowOf(database)
  const id = found?.id ?? mintIdentity(random)
  if (found === undefined) {
    database.prepare('INSERT INTO log VALUES (1, ?, ?, ?, 0, 0, ?)').run(clusterId, nodeId, writerEpoch, id)
    return { id, writerEpoch: -1, last: -1, trimmed: -1 }
  }
  if (writerEpoch <= found.writerEpoch) throw fenced(writerEpoch, found.writerEpoch)
  // A table from before there were identities has no such column.
  if (found.id === undefined) database.exec('ALTER TABLE log ADD COLUMN id TEXT')
  database.prepare('UPDATE log SET writerEpoch = ?, id = ?').run(writerEpoch, id)
  return { id, writerEpoch: found.writerEpoch, last: found.lastPosition || -1, trimmed: found.trimmedTo || -1 }
}

function rowOf (database: DatabaseSync): LogRow | undefined {
  return database.prepare('SELECT * FROM log').get() as unknown as LogRow | undefined
}

function fenced (epoch: number, highest: number | undefined): StreambedError {
  return new StreambedError('FENCED', `a newer writer took over. writerEpoch=${epoch} highest=${highest}`)
}
