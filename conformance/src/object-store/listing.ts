import assert from 'node:assert/strict'
import { pattern, rejectsWith } from '../assertions.ts'
import { listAll, nextStart, putAll } from './suite.ts'
import type { ObjectStoreCheck } from './suite.ts'

/** Keys whose order by UTF-8 differs from the order of folders, of UTF-16 and of escaped names. */
const trickyKeys = [
  'a', 'a-b', 'a.b', 'a/b', 'a/b-c', 'a/b/c', 'a/b/d', 'a0', 'A', 'Z/z', 'b', '%', '~', ' ', 'a b', 'a/ b', '\u00e9', '\uffee', '\u{1f600}', '\u{10000}/x', '\u0080',
  `l${'o'.repeat(300)}ng`, `l${'o'.repeat(300)}ng/x`, `l${'o'.repeat(299)}`, `l${'o'.repeat(199)}`, `l${'o'.repeat(199)}-x`, `l${'o'.repeat(199)}/x`, `l${'o'.repeat(199)}p`
]

function inOrder (keys: readonly string[]): string[] { return [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))) }

export function listingChecks (check: ObjectStoreCheck): void {
  check('OS-L01', 'lists in the order of the UTF-8 bytes (OS-5)', async open => {
    const store = await open()
    await putAll(store, trickyKeys)
    assert.deepEqual(await listAll(store, ''), inOrder(trickyKeys))
  })

  check('OS-L02', 'pages of every size give each key once (OS-5)', async open => {
    const store = await open()
    await putAll(store, trickyKeys)
    for (const limit of [1, 2, 7, 27, 28, 29, 1000]) assert.deepEqual(await listAll(store, '', limit), inOrder(trickyKeys), `pages of ${limit}`)
    for (const prefix of ['a', 'a/', 'a/b', 'l', `l${'o'.repeat(250)}`, '\u{1f600}', 'nothing', 'a/b/c/d']) {
      assert.deepEqual(await listAll(store, prefix, 3), inOrder(trickyKeys).filter(key => key.startsWith(prefix)), `prefix ${prefix}`)
    }
    for (const limit of [0, -1, 1001, 1.5]) await rejectsWith(store.list('', { limit }), 'INVALID_ARGUMENT')
  })

  check('OS-L07', 'a page is full when more follow, and says when none do', async open => {
    const store = await open()
    assert.deepEqual(await store.list(''), { objects: [], isLast: true })
    await putAll(store, Array.from({ length: 1001 }, (_, n) => `p/${n}`), () => pattern(1))
    const page = await store.list('p/')
    assert.equal(page.objects.length, 1000)
    assert.equal(page.isLast, false)
    const rest = await store.list('p/', { startAfter: page.objects.at(-1)!.key })
    assert.equal(rest.objects.length, 1)
    assert.equal(rest.isLast, true)
    assert.equal((await store.list('p/', { limit: 1, startAfter: page.objects.at(-1)!.key })).isLast, true)
  })

  check('OS-L03', 'startAfter is exclusive, whether its key exists or not', async open => {
    const store = await open()
    await putAll(store, trickyKeys)
    const sorted = inOrder(trickyKeys)
    for (const startAfter of [...trickyKeys, 'a/', 'a/b/', 'a/b/cc', '0', '\u{10ffff}', `l${'o'.repeat(250)}`]) {
      const expected = sorted.filter(key => Buffer.compare(Buffer.from(key), Buffer.from(startAfter)) > 0)
      assert.deepEqual((await store.list('', { startAfter })).objects.map(({ key }) => key), expected, `after ${startAfter}`)
    }
  })

  check('OS-L05', 'keys that are there throughout are listed once while others come and go (OS-5)', async open => {
    const [reader, writer] = [await open(), await open()]
    const lasting = Array.from({ length: 60 }, (_, n) => `${n % 6}/lasting-${String(n).padStart(2, '0')}`)
    await putAll(writer, lasting)
    const listed: string[] = []
    for (let startAfter: string | undefined, n = 0; ; n++) {
      const page = await reader.list('', { limit: 7, ...(startAfter === undefined ? {} : { startAfter }) })
      for (const { key } of page.objects) listed.push(key)
      if (page.isLast) break
      startAfter = nextStart(page, startAfter)
      await putAll(writer, [`${n % 6}/coming-${n}`, `${(n + 3) % 6}/zz-${n}`])
      await writer.delete([`${n % 6}/coming-${n - 6}`, `${(n + 1) % 6}/zz-${n - 2}`])
    }
    assert.deepEqual(listed.filter(key => key.includes('lasting')), inOrder(lasting))
    assert.equal(new Set(listed).size, listed.length)
  })

  check('OS-L06', 'a listing tells of each object what head tells', async open => {
    const store = await open()
    await putAll(store, trickyKeys, key => pattern(key.length * 10, key.length))
    for (const info of (await store.list('')).objects) assert.deepEqual(info, await store.head(info.key))
  })
}
