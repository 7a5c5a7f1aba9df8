/** One system call as `strace -f` writes it. */
interface SystemCall { readonly name: string, readonly args: string, readonly result: number, readonly startedAt: number, readonly endedAt: number }

export interface FlushAudit {
  /** Writes of at least `bytesMin` to files. */
  readonly dataWrites: number
  readonly acknowledgements: number
  /** What was acknowledged too early, in words. */
  readonly violations: readonly string[]
}

const writeCalls = new Set(['write', 'writev', 'pwrite64', 'pwritev', 'pwritev2'])
const syncCalls = new Set(['fsync', 'fdatasync'])

/** What strace has to trace for `auditFlushes`. */
export const auditedCalls = 'openat,open,close,write,writev,pwrite64,pwritev,pwritev2,fsync,fdatasync,rename,renameat,renameat2'

/**
 * Whether each acknowledgement, a line that is printed to descriptor 1, came after its data was written and flushed: by a sync
 * of the file that began after the write had ended, or by a file that was opened for synchronous writes. One write is on its
 * way at a time, so what was written and flushed since the line before is its data. More than that may have been written: a
 * second attempt that was overtaken.
 */
export function auditFlushes (trace: string, bytesMin: number): FlushAudit {
  const files = new Map<number, { readonly path: string, readonly isSynchronous: boolean }>()
  /** By path: the last unflushed write, where in the trace it began and ended. */
  const unflushed = new Map<string, SystemCall>()
  const violations: string[] = []
  let [dataWrites, acknowledgements, written, flushed, lastAt] = [0, 0, 0, 0, -1]
  const calls = [...systemCalls(trace)]
  // An acknowledgement counts from when it begins, all else from when it has ended.
  const at = (call: SystemCall): number => isAcknowledgement(call) ? call.startedAt : call.endedAt
  for (const call of calls.sort((left, right) => at(left) - at(right))) {
    const { args, name, result, startedAt } = call
    const fd = Number(/^\d+/.exec(args)?.[0] ?? -1)
    if (isAcknowledgement(call)) {
      acknowledgements++
      const line = /"(\d+)\\n"/.exec(args)?.[1] ?? '?'
      if (written === 0) violations.push(`write ${line} was acknowledged before anything was written`)
      else if (flushed === 0) violations.push(`write ${line} was acknowledged while ${[...unflushed].map(([path, { result: bytes }]) => `${bytes} bytes of ${path}`).join(' and ')} were not flushed`)
      ;[written, flushed, lastAt] = [0, 0, startedAt]
    } else if (result < 0) continue
    else if (name === 'openat' || name === 'open') files.set(result, { path: /"([^"]*)"/.exec(args)?.[1] ?? '?', isSynchronous: /O_D?SYNC\b/.test(args) })
    else if (name === 'close') files.delete(fd)
    else if (name.startsWith('rename')) {
      const [from, to] = [...args.matchAll(/"([^"]*)"/g)].map(([, path]) => path!)
      const dirty = unflushed.get(from!)
      if (dirty !== undefined) unflushed.set(to!, dirty)
      unflushed.delete(from!)
    } else if (writeCalls.has(name)) {
      const file = files.get(fd)
      if (file === undefined || result < bytesMin) continue
      dataWrites++
      if (startedAt > lastAt) written++
      if (!file.isSynchronous) unflushed.set(file.path, call)
      else if (startedAt > lastAt) flushed++
    } else if (syncCalls.has(name)) {
      const path = files.get(fd)?.path ?? ''
      const write = unflushed.get(path)
      if (write === undefined || write.endedAt > startedAt) continue
      if (write.startedAt > lastAt) flushed++
      unflushed.delete(path)
    }
  }
  return { dataWrites, acknowledgements, violations }
}

function isAcknowledgement ({ args, name }: SystemCall): boolean { return name === 'write' && args.startsWith('1,') && /^1, "\d+\\n"/.test(args) }

/** Calls of all threads; one that another thread's interrupted is joined from its two lines. */
function * systemCalls (trace: string): Generator<SystemCall> {
  const begun = new Map<string, { readonly name: string, readonly args: string, readonly startedAt: number }>()
  for (const [at, line] of trace.split('\n').entries()) {
    const whole = /^(\d+)\s+(\w+)\((.*)\)\s+= (-?\d+)/.exec(line)
    if (whole !== null) {
      yield { name: whole[2]!, args: whole[3]!, result: Number(whole[4]), startedAt: at, endedAt: at }
      continue
    }
    const start = /^(\d+)\s+(\w+)\((.*)<unfinished \.\.\.>/.exec(line)
    if (start !== null) {
      begun.set(start[1]!, { name: start[2]!, args: start[3]!, startedAt: at })
      continue
    }
    const end = /^(\d+)\s+<\.\.\. \w+ resumed>(.*)\)\s+= (-?\d+)/.exec(line)
    const first = end === null ? undefined : begun.get(end[1]!)
    if (end === null || first === undefined) continue
    begun.delete(end[1]!)
    yield { ...first, args: first.args + end[2]!, result: Number(end[3]), endedAt: at }
  }
}
