import { describe, expect, it } from 'vitest';
import { hasReplacedBytes, readEventBody } from './event-body.ts';

const form = 'application/x-www-form-urlencoded';
const bytesOf = (text: string, encoding: BufferEncoding = 'utf8') => Buffer.from(text, encoding);

describe('readEventBody', () => {
  const json = '{"name":"Zoë & co","n":1}';
  const read: [string, Uint8Array, string | undefined][] = [
    ['JSON without a content type', bytesOf(json), undefined],
    ['JSON after a byte order mark', bytesOf(`\uFEFF${json}`), 'application/json'],
    ['JSON in the charset that is named', bytesOf(json, 'latin1'), 'application/json; charset="ISO-8859-1"'],
    ['the payload of a form', bytesOf(`a=1&payload=${encodeURIComponent(json)}&b=2`), form],
    [
      'a payload whose spaces are plus signs',
      bytesOf(`payload=${new URLSearchParams({ x: json }).toString().slice(2)}`),
      form,
    ],
    ['JSON that curl calls a form', bytesOf(json), `${form}; charset=utf-8`],
  ];
  it.each(read)('reads %s', (_, bytes, contentType) => {
    expect(readEventBody(bytes, contentType)).toMatchObject({
      ok: true,
      json: { value: { name: 'Zoë & co', n: 1 } },
    });
  });

  const refused: [string, Uint8Array, string | undefined, RegExp][] = [
    [
      'Latin-1 that claims nothing',
      bytesOf('{"a":"ë"}', 'latin1'),
      'application/json',
      /no text in utf-8.*charset/,
    ],
    ['an unknown charset', bytesOf('{}'), 'application/json; charset=x-none', /no text in x-none/],
    ['what is no JSON', bytesOf('ref=main'), 'text/plain', /^The body is not JSON\.$/],
    ['a form without a payload', bytesOf('ref=main'), form, /without a field "payload"/],
    ['a payload that is no JSON', bytesOf('payload=x'), form, /"payload".*not JSON/],
    ['a payload in Latin-1', bytesOf('payload=%22%EB%22'), form, /"payload".*UTF-8/],
    ['nothing', bytesOf(''), undefined, /not JSON/],
    ['JSON of 400,000 levels', bytesOf('['.repeat(400_000) + ']'.repeat(400_000)), undefined, /too deep/],
  ];
  it.each(refused)('refuses %s', (_, bytes, contentType, detail) => {
    expect(readEventBody(bytes, contentType)).toEqual({ ok: false, detail: expect.stringMatching(detail) });
  });
});

describe('hasReplacedBytes', () => {
  it('finds the replacement character of invalid UTF-8', () => {
    expect(hasReplacedBytes(bytesOf(bytesOf('ë', 'latin1').toString()))).toBe(true);
    expect(hasReplacedBytes(bytesOf('ë'))).toBe(false);
  });
});
