// `docs/odd-answers.md`, written from the table that the tests hold the plugins to.
import { oddAnswers, type Asked, type OddAnswer, type Outcome } from './odd-answers.ts'
import { clouds, type Cloud } from './words.ts'

const askedNames: Readonly<Record<Asked, string>> = {
  whole: 'get', range: 'ranged get', head: 'head', missing: 'head of what is not there', list: 'list', page: 'page of a list', put: 'put', create: 'put if absent', delete: 'delete', part: 'part', complete: 'completing parts'
}
const pluginOf: Readonly<Record<Cloud, string>> = { s3: 's3', azure: 'azure-blob', gcs: 'gcs', oss: 'oss' }

export function oddAnswersReference (): string {
  return `# Odd answers

Generated from the table in \`conformance/test/odd-answers/odd-answers.ts\` by \`npm run docs\`; do not edit. Tests hold the four plugins of object stores to it, each on a
double of its service behind a front that answers oddly in the service's place (\`plugins/object-store-*/test/odd-answers.test.ts\`).

A proxy, a captive portal, a load balancer, a cache and a service that is unwell answer too, and what they say is no fact about the store. So an answer is held to
what was asked, in one place for every cloud (\`sdk/src/remote/believed.ts\`). What cannot be believed is UNAVAILABLE and is asked again; of a write it is OUTCOME_UNKNOWN, and where
the key was to be free, or parts were completed, the object that is there then tells who wrote it (\`right\` below).

## What is demanded

| of | \`s3\` | \`azure-blob\` | \`gcs\` | \`oss\` |
|---|---|---|---|---|
| a refusal, to count as the service's | \`<Error>\` with its code, whole; or no body and a header \`x-amz-…\` | the same, or \`x-ms-error-code\`; or no body and a header \`x-ms-…\` | JSON with its error, XML with its code, or a sentence and a header \`x-goog-…\` or \`x-guploader-…\` | \`<Error>\` with its code, whole, or in \`x-oss-err\`; or no body and a header \`x-oss-…\` |
| 404 without any of that | asked again by a GET: services without headers of their own (Cloudflare R2, Garage) say why in its body | not believed | of a download: asked again of the object's metadata (emulators) | not believed |
| an object or its head | a header \`x-amz-…\`: our own metadata is one | a header \`x-ms-…\` | a header \`x-goog-…\`; the name that was asked for | a header \`x-oss-…\` |
| a whole object | our CRC-32C beside it; or, copied there without, the MD5 that its tag is; uploaded in parts: none | our CRC-32C; or \`Content-MD5\` | Google's CRC-32C | as \`s3\` |
| a range | 206, and the \`Content-Range\` that was asked for, or as much of it as there is; or 200 with the whole object, whose checksum holds | ← | ← | ← |
| a listing | one whole \`<ListBucketResult>\` that says whether more follows; its prefix, where it repeats one | one whole \`<EnumerationResults>\`; the same | JSON of the kind \`storage#objects\` | as \`s3\` |
| a listed object | size, version, time; below the prefix, after the start, in order, no more than asked for | ← | ← | ← |
| a deletion | each key by its name | each part by its number, 202 | each part by its number | each key by its name |
| a put, a part | a tag | a tag | generation, name and size that were sent; of a part a tag | a tag |

Zero-byte names that end with \`/\`, and the folders of an Azure account with a hierarchical namespace (\`hdi_isfolder\`, or the resource type), are passed over in listings.

Not to be told from the truth, and so believed: a range of a service that says the object ends before it does; an empty listing of Google's, which does not repeat what was asked; bytes of a range, which
no service keeps a checksum of (blocks and records have their own, and are asked for again).

Brokers under load meet the same answers (\`core/test/odd-answers\`): while a store answers so, and after it, nothing that was acknowledged is lost, changed or there twice, the broker is
not opened again, and the log tells of what fails for over a second. \`npm test\` runs some of S3's, each for a moment; \`STREAMBED_TEST_ODD_ANSWERS=60 npm run test:unit -- --spec
core/test/odd-answers/odd-answers.test.ts\` runs all of them, a minute each (\`STREAMBED_TEST_ODD_ANSWERS_OF=s3,gcs\`: of these clouds). Not met there: uploads in parts, which no broker makes.

## What becomes of each

| the answer | call | outcome |
|---|---|---|
${oddAnswers.flatMap(rowsOf).join('\n')}
`
}

/** A row for each outcome, with the calls that have it. */
function rowsOf ({ name, outcomes }: OddAnswer): readonly string[] {
  const calls = new Map<string, string[]>()
  for (const [asked, outcome] of Object.entries(outcomes) as [Asked, Outcome | Partial<Record<Cloud, Outcome>>][]) {
    const told = typeof outcome === 'object' ? differing(outcome) : `\`${outcome}\``
    calls.set(told, [...calls.get(told) ?? [], askedNames[asked]])
  }
  return [...calls].map(([told, asked], index) => `| ${index === 0 ? name : ''} | ${asked.join(', ')} | ${told} |`)
}

function differing (outcome: Partial<Record<Cloud, Outcome>>): string {
  const kinds = [...new Set(Object.values(outcome))]
  return kinds.map(kind => `${clouds.filter(cloud => outcome[cloud] === kind).map(cloud => `${pluginOf[cloud]}`).join(', ')}: \`${kind}\``).join('; ')
}
