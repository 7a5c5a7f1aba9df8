/** What storage services say in XML: elements without attributes that matter, in a shape that is known. */

/** The insides of each `<name>` in `xml`, which do not nest in themselves. */
export function xmlElements (xml: string, name: string): readonly string[] {
  const elements: string[] = []
  const opening = new RegExp(`<${name}(?:\\s[^>]*)?(/)?>`, 'g')
  for (let match = opening.exec(xml); match !== null; match = opening.exec(xml)) {
    if (match[1] === '/') { elements.push(''); continue }
    const end = xml.indexOf(`</${name}>`, opening.lastIndex)
    if (end < 0) throw new Error(`the answer's XML is cut off in <${name}>`)
    elements.push(xml.slice(opening.lastIndex, end))
    opening.lastIndex = end
  }
  return elements
}

/** The text of the first `<name>`, unescaped, or undefined where there is none. */
export function xmlText (xml: string, name: string): string | undefined {
  const [text] = xmlElements(xml, name)
  return text?.replaceAll(/&(?:#x([0-9a-f]+)|#(\d+)|(lt|gt|amp|quot|apos));/gi, (_, hex: string | undefined, decimal: string | undefined, named: string | undefined) => {
    if (named !== undefined) return entities[named.toLowerCase()]!
    return String.fromCodePoint(hex === undefined ? Number(decimal) : Number.parseInt(hex, 16))
  })
}

const tag = /<(?:\?[^]*?\?>|!--[^]*?-->|!\[CDATA\[[^]*?\]\]>|(\/)?([^\s<>/!?]+)(?:\s[^<>]*?)?(\/)?>)/g

/** Whether `xml` is one element `<root>` and whole: each element in it ends, in order, and nothing else stands before or after. */
export function isWholeXml (xml: string, root: string): boolean {
  const open: string[] = []
  let hasRoot = false
  let at = 0
  for (const { 0: { length }, 1: closing, 2: name, 3: selfClosing, index } of xml.matchAll(tag)) {
    const between = xml.slice(at, index)
    if (between.includes('<') || (open.length === 0 && between.trim() !== '')) return false
    at = index + length
    if (name === undefined) continue
    if (closing !== undefined) {
      if (open.pop() !== name) return false
      continue
    }
    if (open.length === 0 && (hasRoot || name !== root)) return false
    hasRoot = true
    if (selfClosing === undefined) open.push(name)
  }
  return hasRoot && open.length === 0 && xml.slice(at).trim() === ''
}

/** `text` as the content of an element or attribute. */
export function xmlEscaped (text: string): string {
  return text.replaceAll(/[&<>"']/g, character => `&#${character.codePointAt(0)};`)
}

const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }
