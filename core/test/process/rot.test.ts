import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { RotTable } from '../../../tools/rot.ts'
import { temporaryFolder } from '../support/broker-process.ts'
import { startOf, type Image } from './broker-life.ts'
import { storages, tellStory, type End, type Stop, type Story } from './rot-story.ts'
import { wayOut } from './way-out.ts'

// What becomes of a whole broker whose storage is not what it was: docs/rot.md, "The whole broker". The brokers run in this process, on
// real folders; a kill is an image of those, taken between two turns under load.

/** Which files are whose, in a broker whose logs lie in the object store, and in one whose logs have folders of their own. */
function partOf (kind: string, name: string): string {
  const [first = ''] = (kind === 'object' ? name.replace(/^objects\/objects\/(?=wal|metadata)/, '') : name).split('/')
  const part = { wal: 'WAL', metadata: 'metadata', objects: 'objects' }[first] ?? first
  return name.endsWith('streambed-store.json@object') ? 'mark of the store' : name.endsWith('streambed-format') ? 'format of the folder' : part
}

/** `image`, with what `part` was in `other`. */
function withPart (kind: string, part: string, image: Image, other: Image): Image {
  return new Map([...[...image].filter(([name]) => partOf(kind, name) !== part), ...[...other].filter(([name]) => partOf(kind, name) === part)])
}

/** `image` with one file changed. */
function withFile (image: Image, name: string, bytes: Uint8Array | undefined): Image {
  const changed = new Map(image)
  if (bytes === undefined) changed.delete(name)
  else changed.set(name, bytes)
  return changed
}

/** `isSample`: fewer places; every sector is the matter of the plugins' own tests. */
function * damagesOf (bytes: Uint8Array, isSample: boolean): Generator<{ readonly damage: string, readonly bytes: Uint8Array | undefined }> {
  const places = new Set(isSample ? [300, bytes.length - 1] : [0, 40, 300, 4_100, bytes.length >> 1, bytes.length - 1])
  for (const at of places) {
    if (at < 0 || at >= bytes.length) continue
    const damaged = bytes.slice()
    damaged[at]! ^= 1 << at % 8
    yield { damage: 'one bit', bytes: damaged }
  }
  const sizes = new Set(isSample ? [bytes.length >> 1] : [0, bytes.length >> 1, bytes.length - 1])
  for (const size of sizes) if (size >= 0 && size < bytes.length) yield { damage: 'shortened', bytes: bytes.slice(0, size) }
  yield { damage: 'deleted', bytes: undefined }
}

/** The first, the middle and the last of what is alike: slots of a log, objects. */
function samples (image: Image): string[] {
  const alike = new Map<string, string[]>()
  for (const name of [...image.keys()].sort()) {
    if (name.endsWith('/')) continue
    const folder = path.dirname(name).replace(/\d+/g, '#')
    alike.set(folder, [...alike.get(folder) ?? [], name])
  }
  return [...alike.values()].flatMap(names => names.length <= 4 ? names : [names[0]!, names[names.length >> 1]!, names.at(-1)!])
}

const remedy = /give each|give a new|put .*back|restore|recover|mounted|configure|correct its settings|storage\./i

for (const kind of Object.keys(storages)) {
  describe(`rot of a whole broker, its WAL being ${kind}`, function () {
    // Hundreds of starts.
    this.timeout(600_000)
    const folder = temporaryFolder()
    const table = new RotTable()
    const triedOut = new Set<string>()
    let story: Story

    before(async () => { story = await tellStory(folder, kind) })
    after(() => fs.rmSync(folder, { recursive: true, force: true }))

    /** What an operator puts back: a damaged file; of a log that lacks one the whole, for it may have gone on in its place. */
    const isRestored = (bytes: Uint8Array | undefined, name: string) => bytes !== undefined ? (file: string) => file === name : undefined

    /** Starts on `image` and notes how it ends; of each kind of refusal the ways out are tried once. */
    async function meet (part: string, damage: string, stop: Stop, image: Image, end: End, isDamaged = (name: string): boolean => partOf(kind, name) === part): Promise<void> {
      const { life } = story
      life.put(image)
      const { error, verdict } = await startOf(life, end.acknowledged)
      table.add(part, damage, stop, verdict)
      if (error === undefined) return
      assert.match(error.message, remedy, `a refusal must name the remedy: ${error.message}`)
      const way = `${part} ${damage} ${error.code} ${error.message.replace(/[\d/.].*/s, '')}`
      if (triedOut.has(way)) return
      triedOut.add(way)
      await wayOut({ life, kind, damaged: image, right: end.image, isDamaged, acknowledged: end.acknowledged, code: error.code })
    }

    it('as it is: nothing is lost', async () => {
      for (const end of story.ends) {
        story.life.put(end.image)
        assert.equal((await startOf(story.life, end.acknowledged)).verdict, 'whole', end.name)
      }
    })

    it('an older copy of the WAL, of the metadata, of the objects', async () => {
      for (const end of story.ends) {
        const { at, image, openedAt, stop, uploadedAt } = end
        for (const [taken, older] of story.moments.slice(0, at).entries()) {
          const when = taken < openedAt ? 'of before the last opening' : taken < uploadedAt ? 'of before the last upload' : 'of since the last upload'
          for (const part of end.at < story.moments.length ? ['WAL', 'metadata'] : ['WAL', 'metadata', 'objects']) await meet(part, `an older copy, ${when}`, stop, withPart(kind, part, image, older.image), end)
        }
      }
    })

    it('each file of it, damaged or gone', async () => {
      for (const end of story.ends.slice(-2)) {
        for (const name of samples(end.image)) for (const { bytes, damage } of damagesOf(end.image.get(name)!, kind !== 'regional-disk')) await meet(partOf(kind, name), damage, end.stop, withFile(end.image, name, bytes), end, isRestored(bytes, name))
      }
    })

    it('a medium that is empty, or that of another broker', async () => {
      const other = await tellStory(`${folder}-other`, kind)
      fs.rmSync(`${folder}-other`, { recursive: true })
      for (const end of story.ends.slice(-2)) {
        for (const part of ['WAL', 'metadata', 'objects', 'mark of the store']) {
          await meet(part, 'all of it gone', end.stop, withPart(kind, part, end.image, new Map()), end)
          // Objects alone do not say whose they are; the mark beside them does.
          if (part !== 'objects') await meet(part, "another broker's", end.stop, withPart(kind, part, end.image, other.ends.at(-1)!.image), end)
        }
      }
    })

    it('ends in no way that docs/rot.md does not list', () => { table.checkMet(`a broker, ${kind}`) })
  })
}
