import * as fs from 'node:fs/promises'
import path from 'node:path'
import { StreambedError } from '../errors.ts'
import type { FileLock } from '../file-system.ts'
import { fileError } from './file-errors.ts'

/** Result codes of SQLite (sqlite.org/rescode.html), without the extension bits above the lowest eight. */
const sqliteBusy = 5
const sqliteLocked = 6
const sqliteReadOnly = 8
const sqliteFull = 13
const sqliteCannotOpen = 14

/**
 * Locks the file at `file`, made when absent. Node has no call for locks, but SQLite within it takes the kernel's
 * (fcntl): one that ends with its process, however it dies, and holds while the process is stopped.
 *
 * The file must never be opened in another way by the same process: closing any descriptor of a file drops every
 * fcntl lock that the process has on it. SQLite guards against that among its own.
 */
export async function lockFile (file: string): Promise<FileLock> {
  // Loaded late: most programs never lock, and SQLite is a megabyte.
  const { DatabaseSync } = await import('node:sqlite')
  let database
  try {
    database = new DatabaseSync(file)
    // Nothing is ever written: without a journal in memory SQLite would leave one beside the file.
    database.exec('PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
  } catch (error) {
    database?.close()
    throw await lockError(error, file)
  }
  let held: typeof database | undefined = database
  return {
    release: async () => {
      held?.close()
      held = undefined
    }
  }
}

async function lockError (error: unknown, file: string): Promise<StreambedError> {
  const code = sqliteCodeOf(error)
  const say = (meaning: string): string => `lock failed. path=${file} code=SQLITE_${code} (${meaning})`
  if (code === sqliteBusy || code === sqliteLocked) return new StreambedError('LOCKED', say('another process holds it'), { cause: error })
  if (code === sqliteReadOnly) return new StreambedError('PERMISSION_DENIED', say('read-only'), { cause: error })
  if (code === sqliteFull) return new StreambedError('OUT_OF_SPACE', say('no space'), { cause: error })
  if (code === sqliteCannotOpen) return await whyNotOpened(file) ?? new StreambedError('UNAVAILABLE', say('cannot open'), { cause: error })
  return new StreambedError('UNAVAILABLE', say(error instanceof Error ? error.message : 'unknown'), { cause: error })
}

/** SQLite hides the reason of a failed open; asking the file system names it (without opening the file, see above). */
async function whyNotOpened (file: string): Promise<StreambedError | undefined> {
  try {
    await fs.access(path.dirname(file), fs.constants.W_OK | fs.constants.X_OK)
    await fs.access(file, fs.constants.W_OK | fs.constants.R_OK)
    return undefined
  } catch (error) {
    return fileError(error, 'lock', file)
  }
}

function sqliteCodeOf (error: unknown): number {
  return typeof error === 'object' && error !== null && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : 0
}
