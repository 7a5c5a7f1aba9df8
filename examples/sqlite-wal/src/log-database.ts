import { StreambedError, type WalPosition, type WalWriter } from '@streambed/sdk'
import { DatabaseSync } from 'node:sqlite'
import { errorOf } from './errors.ts'

/** What a record takes besides its data: its row, its share of a page. */
export const recordOverheadBytes = 64

export interface LogEnds {
  /** The last record that was trimmed, and the last that was appended; positions are 1, 2, 3… without gaps. */
  readonly trimmedTo: WalPosition
  readonly lastPosition: WalPosition
}

export interface StoredRecord { readonly position: WalPosition, readonly data: Uint8Array, readonly crc32c: number }

interface LogRow extends LogEnds { readonly clusterId: string, readonly nodeId: number, readonly writerEpoch: number }

/**
 * The log as two tables: `log`, of one row, says whose it is and where it begins and ends; `records` holds the rest. Each
 * method is one transaction, durable when it returns, and each that changes something is refused unless the row still has
 * our epoch: a takeover comes either before a batch or after it, never within.
 */
export class LogDatabase {
  readonly #database: DatabaseSync
  readonly #writerEpoch: number

  /** Takes the log over. FENCED, MISCONFIGURED, or what SQLite says. */
  static open (path: string, lockTimeoutMs: number, writer: WalWriter): LogDatabase {
    let database: DatabaseSync | undefined
    try {
      database = new DatabaseSync(path, { timeout: lockTimeoutMs })
      // FULL: a commit is flushed to the disk before it is answered. NORMAL, with this journal, would not flush.
      database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
      const log = new LogDatabase(database, writer.writerEpoch)
      log.#transaction(`opening the log ${path}`, () => { takeOver(database!, writer) })
      return log
    } catch (error) {
      if (database?.isOpen === true) database.close()
      throw errorOf(`opening the log ${path}`, error, { isInDoubt: false })
    }
  }

  private constructor (database: DatabaseSync, writerEpoch: number) {
    this.#database = database
    this.#writerEpoch = writerEpoch
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

function takeOver (database: DatabaseSync, { clusterId, nodeId, writerEpoch }: WalWriter): void {
  database.exec(`
    CREATE TABLE IF NOT EXISTS log (only INTEGER PRIMARY KEY CHECK (only = 1), clusterId TEXT NOT NULL, nodeId INTEGER NOT NULL,
      writerEpoch INTEGER NOT NULL, trimmedTo INTEGER NOT NULL, lastPosition INTEGER NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS records (position INTEGER PRIMARY KEY, data BLOB NOT NULL, crc32c INTEGER NOT NULL) STRICT`)
  const found = rowOf(database)
  if (found === undefined) {
    database.prepare('INSERT INTO log VALUES (1, ?, ?, ?, 0, 0)').run(clusterId, nodeId, writerEpoch)
    return
  }
  if (found.clusterId !== clusterId || found.nodeId !== nodeId) {
    throw new StreambedError('MISCONFIGURED', `the log belongs to another; give each node a database of its own. expected clusterId=${clusterId} nodeId=${nodeId}, found clusterId=${found.clusterId} nodeId=${found.nodeId}`)
  }
  if (writerEpoch <= found.writerEpoch) throw fenced(writerEpoch, found.writerEpoch)
  database.prepare('UPDATE log SET writerEpoch = ?').run(writerEpoch)
}

function rowOf (database: DatabaseSync): LogRow | undefined {
  return database.prepare('SELECT clusterId, nodeId, writerEpoch, trimmedTo, lastPosition FROM log').get() as unknown as LogRow | undefined
}

function fenced (epoch: number, highest: number | undefined): StreambedError {
  return new StreambedError('FENCED', `a newer writer took over. writerEpoch=${epoch} highest=${highest}`)
}
