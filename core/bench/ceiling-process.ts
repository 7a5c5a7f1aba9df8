// The machine's ceiling: a bare Node process. Reads frames from a socket, checks the CRC-32C of their payload, writes
// and fdatasyncs them to a file, and answers; or streams a file to a socket. Nothing of ours but the frame's layout.
import fs from 'node:fs'
import net from 'node:net'
import { crc32c } from '@node-rs/crc32'

const [mode, file, payloadAtText] = process.argv.slice(2)
const payloadAt = Number(payloadAtText)
const fd = fs.openSync(file!, mode === 'produce' ? 'r+' : 'r')
const fileBytes = fs.fstatSync(fd).size
const answer = Buffer.from([0, 0, 0, 4, 0, 0, 0, 1])
const batchLengthPosition = 8
const batchPrefixBytes = 12
const crcPosition = 17
const crcRangeStart = 21

let position = 0
let queue: { readonly frame: Buffer, readonly socket: net.Socket }[] = []
let isWriting = false

/** Group commit, one batch in flight: everything that came meanwhile goes next. */
function commit (): void {
  if (isWriting || queue.length === 0) return
  isWriting = true
  const batch = queue
  queue = []
  const bytes = batch.reduce((sum, { frame }) => sum + frame.length, 0)
  if (position + bytes > fileBytes) position = 0
  const at = position
  position += bytes
  fs.writev(fd, batch.map(({ frame }) => frame), at, error => {
    if (error !== null) throw error
    fs.fdatasync(fd, failed => {
      if (failed !== null) throw failed
      isWriting = false
      for (const { socket } of batch) socket.write(answer)
      commit()
    })
  })
}

function receive (socket: net.Socket): void {
  let pieces: Buffer[] = []
  let held = 0
  socket.on('data', bytes => {
    pieces.push(bytes)
    held += bytes.length
    while (held >= 4) {
      if (pieces[0]!.length < 4) pieces = [Buffer.concat(pieces)]
      const size = 4 + pieces[0]!.readInt32BE(0)
      if (held < size) return
      const all = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
      pieces = all.length === size ? [] : [all.subarray(size)]
      held = all.length - size
      const payload = all.subarray(payloadAt, payloadAt + all.readInt32BE(payloadAt + batchLengthPosition) + batchPrefixBytes)
      if (crc32c(payload.subarray(crcRangeStart)) !== payload.readUInt32BE(crcPosition)) throw new Error('CRC does not match')
      queue.push({ frame: payload, socket })
    }
    commit()
  })
}

function stream (socket: net.Socket): void {
  fs.createReadStream(file!, { highWaterMark: 1024 * 1024 }).pipe(socket)
}

const server = net.createServer({ noDelay: true }, socket => {
  socket.on('error', () => undefined)
  if (mode === 'produce') receive(socket)
  else stream(socket)
})
server.listen(0, '127.0.0.1', () => console.log(`ready ${(server.address() as net.AddressInfo).port}`))
