import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import type { AddressInfo, Server } from 'node:net'
import path from 'node:path'
import { HttpClient, codeOf, detailOf, requesterPays, verdictByNetworkCode, verdictByS3Code, verdictByStatus, verdictOf, type Verdicts } from '@streambed/sdk/remote'

const own: Verdicts = {
  byCode: { ...verdictByS3Code, Own: { code: 'THROTTLED' }, ENOTFOUND: { code: 'MISCONFIGURED', remedy: 'Own.' } },
  byStatus: { 503: { code: 'NO_VERDICT' }, 403: { code: 'PERMISSION_DENIED', remedy: 'Own.' } }
}

describe('sdk: verdicts that are the same for every service', () => {
  it('a code says more than a status; the driver, more than what is the same for all', () => {
    assert.equal(verdictOf({ code: 'Own', status: 404 }, own).code, 'THROTTLED')
    assert.equal(verdictOf({ code: 'NoSuchBucket', status: 404 }, own).code, 'MISCONFIGURED')
    assert.equal(verdictOf({ code: 'Unheard', status: 404 }, own).code, 'NOT_FOUND')
    assert.deepEqual(verdictOf({ code: 'ENOTFOUND' }, own), { code: 'MISCONFIGURED', remedy: 'Own.' })
    assert.deepEqual(verdictOf({ status: 403 }, own), { code: 'PERMISSION_DENIED', remedy: 'Own.' })
    assert.deepEqual([verdictOf({ status: 503 }, own).code, verdictOf({ status: 503 }, { byCode: {} }).code], ['NO_VERDICT', 'THROTTLED'])
    assert.equal(verdictOf({ code: 'ECONNRESET' }, own).code, 'NO_VERDICT')
    assert.equal(verdictOf({}, own).code, 'NO_VERDICT')
  })

  it('codes that every object has as a name are none', () => {
    for (const code of ['constructor', 'toString', '__proto__']) assert.deepEqual([verdictOf({ code, status: 404 }, own).code, codeOf([code, 'Own'], own)], ['NOT_FOUND', 'Own'])
  })

  it('no status blames what was asked', () => {
    for (let status = 400; status < 500; status++) assert.ok(!['INVALID_ARGUMENT', 'INTERNAL', 'CORRUPT'].includes(verdictOf({ status }, { byCode: {} }).code), String(status))
    assert.equal(verdictByStatus[400], undefined)
  })

  it('of several codes the known one is told, else the first', () => {
    assert.equal(codeOf([undefined, '', 'Error', 'Own'], own), 'Own')
    assert.equal(codeOf([undefined, '', 'Error', 'Other'], own), 'Error')
    assert.equal(codeOf(['Error', 'ECONNREFUSED'], own), 'ECONNREFUSED')
    assert.equal(codeOf([undefined, ''], own), undefined)
  })

  it('a detail holds the facts that there are, each by its first line', () => {
    assert.equal(detailOf({ status: 503, code: undefined, requestId: '', message: 'slow\ndown', ids: ['a', 'b'] }), 'status=503 message=slow ids=a,b')
    assert.equal(detailOf({ message: 'x'.repeat(1000) }).length, 'message='.length + 400)
  })

  it('knows a bucket of Requester Pays by what the service says', () => {
    assert.equal(requesterPays('Bucket is a requester pays bucket but no user project provided.')?.code, 'MISCONFIGURED')
    assert.equal(requesterPays('Access Denied'), undefined)
  })

  describe('of the network', () => {
    const pem = readFileSync(path.join(import.meta.dirname, '../../../conformance/test/fixtures/service-test.pem'))

    /** The code with which Node fails a request to `server` under `scheme`, and what it comes to. */
    async function failureOf (server: Server, scheme: 'http' | 'https', isListening: boolean): Promise<{ readonly code: string | undefined, readonly verdict: string, readonly remedy: string }> {
      const client = new HttpClient({ connectionsMax: 1 })
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      const { port } = server.address() as AddressInfo
      if (!isListening) server.close()
      try {
        const error = await client.send({ method: 'PUT', origin: new URL(`${scheme}://127.0.0.1:${port}`), path: '/', headers: {}, pieces: [], signal: new AbortController().signal, answerBytesMax: 100 })
          .then(() => assert.fail('answered'), (reason: unknown) => reason as { readonly code?: string })
        const { code, remedy = '' } = verdictOf({ code: error.code }, { byCode: {} })
        return { code: error.code, verdict: code, remedy }
      } finally {
        client.close()
        server.close()
      }
    }

    const answering: http.RequestListener = (_, response) => { response.end() }

    it('nobody listens: nothing was sent', async () => {
      const { code, remedy, verdict } = await failureOf(http.createServer(answering), 'http', false)
      assert.deepEqual([code, verdict], ['ECONNREFUSED', 'UNAVAILABLE'])
      assert.match(remedy, /Check that the service runs/)
    })

    it('a certificate of an authority that nobody trusts: nothing was sent', async () => {
      const { code, remedy, verdict } = await failureOf(https.createServer({ key: pem, cert: pem }, answering), 'https', true)
      assert.deepEqual([code, verdict], ['DEPTH_ZERO_SELF_SIGNED_CERT', 'UNAVAILABLE'])
      assert.match(remedy, /NODE_EXTRA_CA_CERTS/)
    })

    it('TLS to a port that speaks none', async () => {
      const { code, remedy, verdict } = await failureOf(http.createServer(answering), 'https', true)
      assert.deepEqual([code, verdict], ['EPROTO', 'NO_VERDICT'])
      assert.match(remedy, /https or of http/)
    })

    it('each row says what to do', () => {
      for (const [code, { remedy }] of Object.entries(verdictByNetworkCode)) assert.match(remedy ?? '', /\.$/, code)
    })
  })
})
