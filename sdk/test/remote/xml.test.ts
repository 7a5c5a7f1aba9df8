import assert from 'node:assert/strict'
import fc from 'fast-check'
import { xmlElements, xmlEscaped, xmlText } from '@streambed/sdk/remote'

describe('sdk: XML that services say', () => {
  it('finds elements in their order, empty ones and ones with attributes among them', () => {
    const xml = '<?xml version="1.0"?><List xmlns="urn:x"><Item><Key>a</Key></Item><Item/><Item id="1"><Key>b</Key><Key>c</Key></Item><Items>no</Items></List>'
    assert.deepEqual(xmlElements(xml, 'Item'), ['<Key>a</Key>', '', '<Key>b</Key><Key>c</Key>'])
    assert.equal(xmlText(xml, 'Key'), 'a')
    assert.equal(xmlText(xml, 'Owner'), undefined)
    assert.deepEqual(xmlElements('<List></List>', 'Item'), [])
  })

  it('takes nothing from XML that is cut off', () => {
    assert.throws(() => xmlElements('<List><Item><Key>a</Key>', 'Item'), /cut off in <Item>/)
  })

  it('reads back whatever text is escaped', () => {
    assert.equal(xmlText('<E>&lt;a&amp;&#98;&#x63;&quot;&apos;&gt;&amp;lt;</E>', 'E'), '<a&bc"\'>&lt;')
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), text => {
      assert.equal(xmlText(`<E>${xmlEscaped(text)}</E>`, 'E'), text)
    }))
  })
})
