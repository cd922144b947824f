import { describe, expect, it } from 'vitest';
import { sign } from './aws-signature.ts';

const key = { accessKeyId: 'ASIAEXAMPLE', secretAccessKey: 'secret/+key', sessionToken: 'token==' };
const scope = { service: 'sqs', region: 'eu-west-1', key, nowMs: Date.parse('2026-01-02T03:04:05.678Z') };
const request = {
  headers: {
    'content-type': 'application/x-amz-json-1.0',
    'x-amz-target': 'AmazonSQS.ReceiveMessage',
  },
  body: '{"QueueUrl":"https://sqs.eu-west-1.amazonaws.com/1/tasks é"}',
};

describe('a signature', () => {
  // Computed by hand as AWS describes it ("Create a signed AWS API request"), with HMACs of node:crypto
  // alone.
  it.each([
    [
      'https://sqs.eu-west-1.amazonaws.com/',
      'dd952d75fa8e77665e9f6192855db5b98d53435b13e856ff102bea5e4eef8ed6',
    ],
    ['http://127.0.0.1:4000/', '0490fe79aabc9e94b3995ca905c2d703ec7c51b1cdf97de700d0b8624ce602f3'],
  ])('equals the one that AWS computes for %s', async (url, signature) => {
    expect(await sign({ ...request, url: new URL(url) }, scope)).toEqual({
      ...request.headers,
      host: new URL(url).host,
      'x-amz-date': '20260102T030405Z',
      'x-amz-security-token': 'token==',
      authorization:
        'AWS4-HMAC-SHA256 Credential=ASIAEXAMPLE/20260102/eu-west-1/sqs/aws4_request, ' +
        `SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, Signature=${signature}`,
    });
  });
});
