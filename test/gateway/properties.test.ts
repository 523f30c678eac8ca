import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { parseStrictJson } from '../../src/gateway/json.ts'
import { Problem } from '../../src/gateway/problems.ts'
import {
  bodyDigest,
  canonicalRequest,
  type SignedParams,
  type SignedParts,
  signParams,
  signRequest,
  sortedParams,
  verifyParams,
  verifyRequest,
} from '../../src/signing.ts'

/** Any text that HTTP lets stand in a request line: no control characters. */
const visible = fc.string({
  unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
})
const method = fc.constantFrom('GET', 'POST', 'PUT', 'DELETE')
const nonce = fc.stringMatching(/^[A-Za-z0-9_-]{16,64}$/)
const timestamp = fc.stringMatching(/^[1-9][0-9]{9}$/)
const secret = fc.string({ minLength: 1 })

const parts: fc.Arbitrary<SignedParts> = fc.record({
  method,
  path: visible.map((rest) => `/${rest}`),
  timestamp,
  nonce,
  body: fc.oneof(fc.string(), fc.uint8Array()),
})

/** What a canonical text was made of. That it can be told is what makes two requests have two texts. */
const partsOf = (text: string) => {
  const [method, path, timestamp, nonce, digest, ...rest] = text.split('\n')
  return { method, path, timestamp, nonce, digest, rest }
}

suite('v1', () => {
  test('has one text for one request', () => {
    fc.assert(
      fc.property(parts, ({ body, ...lines }) => {
        const found = partsOf(canonicalRequest({ ...lines, body }))
        assert.deepEqual(found, { ...lines, digest: bodyDigest(body), rest: [''] })
      }),
    )
  })

  test('takes its own signatures, and none for another request or secret', () => {
    fc.assert(
      fc.property(secret, secret, parts, parts, (own, other, request, changed) => {
        const signature = signRequest(own, request)
        fc.pre(own !== other)
        const anyChange = (Object.keys(request) as (keyof SignedParts)[]).some((field) => {
          const mutated = { ...request, [field]: changed[field] }
          return (
            canonicalRequest(mutated) !== canonicalRequest(request) &&
            verifyRequest([own], mutated, signature)
          )
        })
        return (
          verifyRequest([own], request, signature) &&
          verifyRequest([other, own], request, signature) &&
          !verifyRequest([other], request, signature) &&
          !anyChange
        )
      }),
    )
  })

  test('takes no other spelling of a signature', () => {
    fc.assert(
      fc.property(secret, parts, fc.nat(), visible, (own, request, place, text) => {
        const signature = signRequest(own, request)
        const at = place % (signature.length + 1)
        const changed = signature.slice(0, at) + text + signature.slice(at)
        const cut = signature.slice(0, at)
        return (
          verifyRequest([own], request, changed) === (changed === signature) &&
          verifyRequest([own], request, cut) === (cut === signature)
        )
      }),
    )
  })
})

const params: fc.Arbitrary<SignedParams> = fc.record({
  method,
  path: visible.map((rest) => `/${rest}`),
  params: fc.dictionary(
    fc.oneof(fc.constantFrom('a', 'b', 'path', 'method', 'key', '__proto__'), fc.string()),
    fc.string(),
    {
      maxKeys: 6,
      noNullPrototype: true,
    },
  ),
})

suite('params', () => {
  test('has one text for one request, or none at all', () => {
    fc.assert(
      fc.property(params, (request) => {
        const text = sortedParams(request)
        if (text === undefined) return true
        const found = new Map(text.split('&').map((pair) => pair.split('=') as [string, string]))
        const expected = { ...request.params, method: request.method, path: request.path }
        return (
          found.size === Object.keys(expected).length &&
          Object.entries(expected).every(([name, value]) => found.get(name) === value)
        )
      }),
    )
  })

  test('takes its own signatures, in either case, and none for another request or secret', () => {
    fc.assert(
      fc.property(secret, secret, params, params, (own, other, request, changed) => {
        fc.pre(own !== other && sortedParams(request) !== undefined)
        const signature = signParams(own, request)
        const same = sortedParams(changed) === sortedParams(request)
        return (
          verifyParams([own], request, signature) &&
          verifyParams([own], request, signature.toUpperCase()) &&
          !verifyParams([other], request, signature) &&
          verifyParams([own], changed, signature) === same
        )
      }),
    )
  })
})

/** What it comes to, or the code of the refusal. Anything else that is thrown fails the property. */
const outcomeOf = (bytes: Buffer): { readonly value: unknown } | { readonly code: string } => {
  try {
    return { value: parseStrictJson(bytes) }
  } catch (error) {
    if (error instanceof Problem) return { code: error.code }
    throw error
  }
}

const agrees = (bytes: Buffer): boolean => {
  const outcome = outcomeOf(bytes)
  return 'code' in outcome || JSON.stringify(outcome.value) === JSON.stringify(JSON.parse(bytes.toString()))
}

/** Text that looks like JSON and mostly is not quite. */
const almostJson = fc
  .array(
    fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ':',
      ',',
      '"',
      '\\',
      '"a"',
      '"\\u0061"',
      '"__proto__"',
      '1',
      '-',
      'null',
      ' ',
      '\u0000',
      '\ufeff',
      '\ud800',
    ),
    { maxLength: 40 },
  )
  .map((pieces) => pieces.join(''))

const dangerous = new Set(['__proto__', 'constructor', 'prototype'])
const plainText = fc.string({ unit: fc.constantFrom(...'abc {}[]:,"\\/\t\n鸿雁🪿') })
const plain = fc.jsonValue({ maxDepth: 5, stringUnit: fc.constantFrom(...'abc {}[]:,"\\/鸿雁🪿') })

suite('strict JSON', () => {
  test('throws nothing but a Problem, and agrees with JSON.parse on what it takes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => agrees(Buffer.from(bytes))))
    fc.assert(
      fc.property(almostJson, (text) => agrees(Buffer.from(text))),
      { numRuns: 2000 },
    )
    fc.assert(fc.property(fc.json({ maxDepth: 12 }), (text) => agrees(Buffer.from(text))))
  })

  test('takes everything that is plain', () => {
    fc.assert(
      fc.property(plain, (value) => {
        const text = JSON.stringify(value)
        fc.pre(![...dangerous].some((key) => text.includes(key)))
        return 'value' in outcomeOf(Buffer.from(text))
      }),
    )
  })

  test('finds every key that is there twice, however it is spelled', () => {
    const escaped = (text: string): string =>
      [...text].map((each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')
    const spelled = fc
      .stringMatching(/^[a-z]{1,5}$/)
      .chain((key) => fc.constantFrom([key, key], [key, escaped(key)]))
    fc.assert(
      fc.property(spelled, plainText, plain, fc.boolean(), ([one, other], first, second, inside) => {
        const object = `{"${one}":${JSON.stringify(first)},"zzzzzz":0,"${other}":${JSON.stringify(second)}}`
        const outcome = outcomeOf(Buffer.from(inside ? `[{"x":${object}}]` : object))
        return 'code' in outcome && ['json-duplicate-key', 'json-too-deep'].includes(outcome.code)
      }),
    )
  })
})
