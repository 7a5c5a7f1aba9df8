import { StreambedError, type ErrorCode } from '@streambed/sdk'

/** SQLite's primary result codes (sqlite.org/rescode.html) of which a caller can make something. */
const codeByResult: Readonly<Record<number, ErrorCode>> = {
  3: 'PERMISSION_DENIED', // PERM
  5: 'UNAVAILABLE', // BUSY: another process is within a transaction
  8: 'PERMISSION_DENIED', // READONLY
  11: 'CORRUPT',
  13: 'OUT_OF_SPACE', // FULL: the transaction is undone
  14: 'MISCONFIGURED', // CANTOPEN
  26: 'CORRUPT' // NOTADB
}

const remedyByResult: Readonly<Record<number, string>> = {
  5: ' Another process holds the database and does not go on: end it, or wait longer (`lockTimeout`).',
  13: ' Free some of the disk.',
  14: ' The folder of `path` must exist, and be writable.'
}

/**
 * What `error`, SQLite's word on `action`, means. `isInDoubt`: a transaction may have been committed although it failed, as
 * when its flush did: then only a code that says that it was undone is believed.
 */
export function errorOf (action: string, error: unknown, { isInDoubt }: { readonly isInDoubt: boolean }): StreambedError {
  if (StreambedError.is(error)) return error
  const { errcode = 0, message = String(error) } = error as { readonly errcode?: number, readonly message?: string }
  const code = codeByResult[errcode & 0xff] ?? (isInDoubt ? 'OUTCOME_UNKNOWN' : 'UNAVAILABLE')
  return new StreambedError(code, `${action} failed.${remedyByResult[errcode & 0xff] ?? ''} sqlite=${errcode} message=${message}`, { cause: error })
}

/** Whether SQLite says that there is no file to open. */
export function isMissing (error: unknown): boolean { return ((error as { readonly errcode?: number }).errcode ?? 0) % 256 === 14 }
