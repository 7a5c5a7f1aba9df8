import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  Unbelieved, checkEcho, checkMark, checkPage, checksumOf, isFolderMark, isOwnRefusal, isTagOfParts, isWholeXml, md5InTag, objectBytes, wholeJson, wholeXml, xmlEscaped,
  type HttpAnswer
} from '@streambed/sdk/remote'
import { crc32c } from '@streambed/sdk'

const answer = (more: Partial<HttpAnswer> = {}): HttpAnswer => ({ status: 200, headers: {}, body: Uint8Array.of(0, 1, 2, 3), ...more })
const partial = (contentRange: string | undefined, size: number, more: HttpAnswer['headers'] = {}): HttpAnswer => answer({ status: 206, headers: contentRange === undefined ? more : { 'content-range': contentRange, ...more }, body: new Uint8Array(size) })

describe('sdk: answers that can be believed', () => {
  it('a range is what was asked for, or as much of it as there is; or the whole object, told as such', () => {
    const range = { start: 2, end: 6 }
    assert.deepEqual(objectBytes(answer(), range), { bytes: answer().body, isWhole: true })
    assert.equal(objectBytes(partial('bytes 2-5/9', 4), range).isWhole, false)
    assert.equal(objectBytes(partial('bytes 2-5/*', 4), range).bytes.length, 4)
    assert.equal(objectBytes(partial('bytes 2-3/4', 2), range).bytes.length, 2)
    for (const odd of [
      partial(undefined, 4), partial('bytes 2-5/9', 3), partial('bytes 2-5/9', 5), partial('bytes 0-3/9', 4), partial('bytes 2-3/9', 2), partial('bytes 2-3/*', 2), partial('bytes 2-6/9', 5),
      partial('bytes */9', 0), partial('items 2-5/9', 4), partial('bytes 2-5/9', 4, { 'content-encoding': 'gzip' }), answer({ status: 204 }), answer({ status: 201 })
    ]) assert.throws(() => objectBytes(odd, range), Unbelieved, JSON.stringify(odd))
  })

  it('a whole object is one of status 200', () => {
    assert.equal(objectBytes(answer(), undefined).isWhole, true)
    for (const status of [201, 202, 204, 206]) assert.throws(() => objectBytes(answer({ status }), undefined), Unbelieved)
  })

  it("a refusal is the service's own by its code, or by a header and no page", () => {
    const marks = /^x-own-/
    const refused = { status: 404, headers: { 'x-own-id': '1' }, text: '', code: undefined }
    assert.ok(isOwnRefusal(refused, marks))
    assert.ok(isOwnRefusal({ ...refused, text: 'No such object' }, marks))
    assert.ok(isOwnRefusal({ ...refused, headers: {}, code: 'NoSuchKey' }, marks))
    for (const text of ['<html>', ' <!DOCTYPE html>', '<Error><Code>NoSuch', '{"message"']) assert.equal(isOwnRefusal({ ...refused, text }, marks), false, text)
    assert.equal(isOwnRefusal({ ...refused, headers: { server: 'nginx' } }, marks), false)
    checkMark({ status: 200, headers: { 'x-own-id': '1' } }, marks)
    assert.throws(() => { checkMark({ status: 200, headers: { 'x-other': '1' } }, marks) }, Unbelieved)
  })

  it('a page of a listing is the next names, in order, of what was asked for', () => {
    const object = (key: string): { readonly key: string, readonly size: number, readonly versionToken: string, readonly modifiedMs: number } => ({ key, size: 1, versionToken: 't', modifiedMs: 1 })
    const asked = { prefix: 'p/', startAfter: 'p/b', limit: 2 }
    checkPage({ objects: [object('p/c'), object('p/d')], isLast: false }, asked)
    checkPage({ objects: [], isLast: true }, asked)
    for (const { isLast = true, objects } of [
      { objects: [], isLast: false }, { objects: [object('p/c'), object('p/d'), object('p/e')] }, { objects: [object('q/c')] }, { objects: [object('p/b')] }, { objects: [object('p/a')] },
      { objects: [object('p/d'), object('p/c')] }, { objects: [object('p/c'), object('p/c')] }, { objects: [{ ...object('p/c'), size: NaN }] }, { objects: [{ ...object('p/c'), size: -1 }] },
      { objects: [{ ...object('p/c'), versionToken: '' }] }, { objects: [{ ...object('p/c'), modifiedMs: NaN }] }
    ]) assert.throws(() => { checkPage({ objects, isLast }, asked) }, Unbelieved, JSON.stringify(objects))
  })

  it('XML is whole when each element in it ends, in order, and nothing stands beside it', () => {
    const whole = '\ufeff<?xml version="1.0"?><!-- x --><List xmlns="urn:x"><Item id="1"><Key>a&lt;b</Key></Item><Item/></List>\n'
    assert.ok(isWholeXml(whole, 'List'))
    assert.equal(isWholeXml(whole, 'Item'), false)
    for (let end = 1; end < whole.trimEnd().length; end++) assert.equal(isWholeXml(whole.slice(0, end), 'List'), false, whole.slice(0, end))
    for (const text of ['', 'List', '<List/><List/>', '<List></List>x', 'x<List></List>', '<List><A></List></A>', '<!DOCTYPE html><html></html>', '<List><A></List>']) assert.equal(isWholeXml(text, 'List'), false, text)
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), text => { assert.ok(isWholeXml(`<E>${xmlEscaped(text)}</E>`, 'E')) }))
    fc.assert(fc.property(fc.string(), text => { isWholeXml(text, 'E') }))
    assert.throws(() => wholeXml(answer({ body: Buffer.from('<html></html>') }), 'List'), /not a whole <List>.*says=<html>/)
    assert.throws(() => wholeXml(answer({ status: 202, body: Buffer.from('<List/>') }), 'List'), Unbelieved)
  })

  it('JSON is whole when it can be read, and of the kind that was asked for', () => {
    assert.deepEqual(wholeJson(answer({ body: Buffer.from('{"kind":"k","a":1}') }), 'k'), { kind: 'k', a: 1 })
    assert.deepEqual(wholeJson(answer({ body: Buffer.from('{"a":1}') })), { a: 1 })
    for (const text of ['{}', '{"kind":"other"}', '{"kind":"k"', '', 'null', '"k"']) assert.throws(() => wholeJson(answer({ body: Buffer.from(text) }), 'k'), Unbelieved, text)
  })

  it('what is repeated of a question is what was asked, where it is repeated', () => {
    checkEcho('the prefix', 'p/', undefined)
    checkEcho('the prefix', 'p/', 'p/')
    assert.throws(() => { checkEcho('the prefix', 'p/', '') }, /answers another question: the prefix differs. asked=p\//)
  })

  it('bytes are held to our checksum, else to the MD5 of the service; parts have none', () => {
    const bytes = Buffer.from('a')
    const told = { bytes, written: undefined, isInParts: false, md5: undefined }
    assert.equal(checksumOf({ ...told, written: '0000beef' }, crc32c), 0xbeef)
    assert.equal(checksumOf({ ...told, isInParts: true }, crc32c), undefined)
    assert.equal(checksumOf({ ...told, md5: md5InTag('0CC175B9C0F1B6A831C399E269772661') }, crc32c), crc32c(bytes))
    for (const nothing of [told, { ...told, written: 'xyz' }, { ...told, md5: md5InTag('0cc175b9c0f1b6a831c399e269772662') }, { ...told, md5: md5InTag('0x8D1') }]) assert.throws(() => checksumOf(nothing, crc32c), Unbelieved)
    assert.deepEqual(['0cc175b9c0f1b6a831c399e269772661-3', '0cc175b9c0f1b6a831c399e269772661', 'a-b'].map(isTagOfParts), [true, false, false])
  })

  it('knows a mark of a folder, and what is none', () => {
    assert.deepEqual([{ key: 'wal/', size: 0 }, { key: 'wal/', size: 1 }, { key: 'wal', size: 0 }].map(isFolderMark), [true, false, false])
  })
})
