// The reference of the SDK, out of its own docstrings. It reads the sources as text, in the shape that the linter holds them to: one
// declaration at a line's start, members two spaces in.
import { readFileSync } from 'node:fs'
import path from 'node:path'

const sdk = path.join(path.dirname(import.meta.dirname), 'sdk')

/** Entries of the package, most wanted first, with what each is for. */
const entries: readonly { readonly name: string, readonly index: string, readonly about: string }[] = [
  { name: '@streambed/sdk', index: 'src/index.ts', about: 'Contracts, plugin definitions, errors, the injected environment.' },
  { name: '@streambed/sdk/options', index: 'src/options/index.ts', about: 'Schemas of options that plugins share.' },
  { name: '@streambed/sdk/remote', index: 'src/remote/index.ts', about: 'An object store over any cloud: implement `ObjectService`, and `RemoteObjectStore` makes the contract of it.' },
  { name: '@streambed/sdk/batch-log', index: 'src/batch-log/index.ts', about: 'Batches and group commit of logs in files: implement `BatchMedium`, and `BatchLog` makes a WAL of it.' },
  { name: '@streambed/sdk/testing', index: 'src/testing/index.ts', about: 'Doubles in memory, a virtual clock, a simulated file system, faults.' },
  { name: '@streambed/sdk/node', index: 'src/node/index.ts', about: 'The environment of a real host.' }
]

interface Declared { readonly name: string, readonly kind: string, readonly doc: string, readonly code: string, readonly file: string }

/** The document. Throws when a class or function that the SDK gives has no docstring. */
export function sdkReference (): string {
  const parts = entries.map(({ about, index, name }) => {
    const declared = exportsOf(index).map(one => declarationOf(one.name, one.file)).sort((left, right) => Number(isType(right)) - Number(isType(left)))
    for (const { doc, file, kind, name } of declared) if (doc === '' && (kind === 'class' || kind === 'function')) throw new Error(`sdk/${file}: ${name} has no docstring`)
    return [`## ${name}`, '', about, '', ...declared.flatMap(section)].join('\n')
  })
  return [
    '# SDK reference',
    '',
    'Generated from the docstrings of `sdk/src` by `npm run docs`; do not edit. [Writing a storage plugin](plugins.md) is the guide.',
    '',
    ...entries.map(({ about, name }) => `- [${name}](#${anchorOf(name)}): ${about}`),
    '',
    ...parts
  ].join('\n')
}

function isType ({ kind }: Declared): boolean { return kind === 'interface' || kind === 'type' }

function section ({ code, doc, file, kind, name }: Declared): string[] {
  return [`### ${name}`, '', `${kind} · [sdk/${file}](../sdk/${file})`, '', ...doc === '' ? [] : [doc, ''], '```ts', code, '```', '']
}

/** What an index gives, in its order. */
function exportsOf (index: string): { readonly name: string, readonly file: string }[] {
  const folder = path.posix.dirname(index)
  return [...read(index).matchAll(/^export (?:type )?\{([^}]*)\} from '([^']+)'/gm)].flatMap(([, names = '', from = '']) =>
    names.split(',').map(name => name.trim().replace(/^type /, '')).filter(name => name !== '').map(name => ({ name, file: path.posix.join(folder, from) })))
}

function declarationOf (name: string, file: string): Declared {
  const lines = read(file).split('\n')
  const at = lines.findIndex(line => new RegExp(`^(?:export )?(?:declare )?(?:abstract )?(?:async )?(interface|type|const|class|function) \\*? ?${name}\\b`).test(line))
  if (at < 0) throw new Error(`sdk/${file}: no declaration of ${name} at the start of a line`)
  const kind = /(interface|type|const|class|function)/.exec(lines[at]!)![1]!
  return { name, kind, doc: docBefore(lines, at), code: codeOf(lines, at, kind), file }
}

/** The text of the docstring that ends right above line `at`. Lists and paragraphs stay as they are. */
function docBefore (lines: readonly string[], at: number): string {
  if (lines[at - 1]?.trimEnd().endsWith('*/') !== true) return ''
  let first = at - 1
  while (!lines[first]!.trimStart().startsWith('/**')) first--
  const text = lines.slice(first, at).map(line => line.trim().replace(/^\/\*\* ?/, '').replace(/\s*\*\/$/, '').replace(/^\* ?/, '')).join('\n').trim()
  // Rules with a number of their own are lines; what is set in under them belongs to them.
  return text.replaceAll(/\n(?=[A-Z]{1,3}-\d+ )/g, '\n\n').replaceAll(/\n {2,}/g, '\n')
}

function codeOf (lines: readonly string[], at: number, kind: string): string {
  const end = endOf(lines, at)
  const text = lines.slice(at, end + 1)
  if (kind === 'function') return text.slice(0, 1 + text.findIndex(line => / \{$| \}$/.test(line))).join('\n').replace(/ \{$| \{ .* \}$/, '').replace(/^export /, '')
  if (kind === 'class') return classOutline(text)
  if (kind === 'const') return text.length > 12 ? `${text[0]!.replace(/^export /, '').replace(/ = .*$/, '')} = …` : text.join('\n').replace(/^export /, '')
  return text.join('\n').replace(/^export /, '')
}

/** The last line of the declaration: where what it opened is closed. */
function endOf (lines: readonly string[], at: number): number {
  if (/[{[(]$/.test(lines[at]!)) return lines.findIndex((line, index) => index > at && /^[}\])]/.test(line) && !/^\}[^{]*\{$/.test(line))
  let end = at
  while (/^\s+\S/.test(lines[end + 1] ?? '')) end++
  return end
}

/** Public members, without bodies. */
function classOutline (text: readonly string[]): string {
  const kept = [text[0]!.replace(/^export /, '')]
  let doc: string[] = []
  for (let line = 1; line < text.length - 1; line++) {
    const current = text[line]!
    if (/^ {2}(\/\*\*| \*)/.test(current)) {
      doc.push(current)
      continue
    }
    const isMember = /^ {2}((static|readonly|async|get|set|override|\*) )*(?!private|protected|static|readonly|async|\*)[[a-zA-Z]/.test(current)
    if (isMember && !doc.some(line => line.includes('@internal'))) kept.push(...doc, current.replace(/ \{$| \{ .* \}$/, '').replace(/ = [^>].*$/, ''))
    doc = []
  }
  return [...kept, '}'].join('\n')
}

function read (file: string): string { return readFileSync(path.join(sdk, file), 'utf8') }

function anchorOf (name: string): string { return name.replaceAll(/[@/]/g, '') }
