import * as callbackFs from 'node:fs'
import * as fs from 'node:fs/promises'
import { StreambedError } from '../errors.ts'
import type { DirectoryEntry, FileHandle, FileLock, FileMode, FileStat, FileSystem, OpenOptions } from '../file-system.ts'
import { blockDeviceBytes } from './block-device.ts'
import { DirectFileHandle } from './direct-file-handle.ts'
import { fileError } from './file-errors.ts'
import { lockFile } from './file-lock.ts'
import { NodeFileHandle } from './node-file-handle.ts'

const { O_CREAT, O_DIRECT, O_DIRECTORY, O_DSYNC, O_EXCL, O_RDONLY, O_RDWR } = callbackFs.constants

const flagsByMode: Readonly<Record<FileMode, number>> = {
  read: O_RDONLY,
  update: O_RDWR,
  create: O_RDWR | O_CREAT,
  createNew: O_RDWR | O_CREAT | O_EXCL
}

/** The file system of this machine. `makeDirectory` makes one folder, whose parent must exist. */
export class NodeFileSystem implements FileSystem {
  async open (path: string, mode: FileMode, options?: OpenOptions): Promise<FileHandle> {
    const isDirect = options?.direct === true
    const flags = flagsByMode[mode] | (options?.synchronous === true ? O_DSYNC : 0) | (isDirect ? O_DIRECT ?? 0 : 0)
    // Not every system that Node runs on has it, whatever its types say.
    if (isDirect && (O_DIRECT as number | undefined) === undefined) throw noDirectAccess(path)
    return await new Promise((resolve, reject) => {
      callbackFs.open(path, flags, 0o666, (error, fd) => {
        if (error === null) resolve(isDirect ? new DirectFileHandle(new NodeFileHandle(fd, path), path) : new NodeFileHandle(fd, path))
        else if (isDirect && error.code === 'EINVAL') reject(noDirectAccess(path, error))
        else reject(fileError(error, `open (${mode})`, path))
      })
    })
  }

  async readFile (path: string): Promise<Uint8Array> {
    const bytes = await attempt('read', path, fs.readFile(path))
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  async makeDirectory (path: string): Promise<void> { await attempt('mkdir', path, fs.mkdir(path)) }

  async list (path: string): Promise<readonly DirectoryEntry[]> {
    const entries = await attempt('readdir', path, fs.readdir(path, { withFileTypes: true }))
    return entries.map(entry => ({ name: entry.name, kind: entry.isFile() ? 'file' : entry.isDirectory() ? 'directory' : 'other' }))
  }

  async stat (path: string): Promise<FileStat> {
    const stats = await attempt('stat', path, fs.stat(path))
    const isBlockDevice = stats.isBlockDevice()
    return {
      kind: stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : isBlockDevice ? 'blockDevice' : 'other',
      size: isBlockDevice ? await blockDeviceBytes(stats.rdev, path) : stats.size,
      modifiedMs: stats.mtimeMs
    }
  }

  async rename (from: string, to: string): Promise<void> { await attempt('rename', `${from} to ${to}`, fs.rename(from, to)) }

  async link (from: string, to: string): Promise<void> { await attempt('link', `${from} to ${to}`, fs.link(from, to)) }

  async remove (path: string): Promise<void> { await attempt('unlink', path, fs.unlink(path)) }

  async removeDirectory (path: string): Promise<void> { await attempt('rmdir', path, fs.rmdir(path)) }

  async syncDirectory (path: string): Promise<void> {
    const folder = await attempt('open', path, fs.open(path, O_RDONLY | O_DIRECTORY))
    try {
      await attempt('fsync', path, folder.sync())
    } finally {
      await folder.close()
    }
  }

  async lock (path: string): Promise<FileLock> { return await lockFile(path) }
}

function noDirectAccess (path: string, cause?: unknown): StreambedError {
  return new StreambedError('UNSUPPORTED', `the file system has no direct access (O_DIRECT). path=${path}`, { cause })
}

async function attempt<T> (call: string, path: string, pending: Promise<T>): Promise<T> {
  try {
    return await pending
  } catch (error) {
    throw fileError(error, call, path)
  }
}
