import { createHash, createHmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import { expect, it } from 'vitest';
import { sign } from './aws-signature.ts';

class Sha256 {
  readonly #hash;
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    const isKeyed = typeof secret === 'string' || ArrayBuffer.isView(secret);
    this.#hash = isKeyed
      ? createHmac(
          'sha256',
          typeof secret === 'string'
            ? secret
            : new DataView(secret.buffer, secret.byteOffset, secret.byteLength),
        )
      : createHash('sha256');
  }
  update(data: string | ArrayBuffer | ArrayBufferView) {
    if (typeof data === 'string') this.#hash.update(data);
    else if (ArrayBuffer.isView(data))
      this.#hash.update(new DataView(data.buffer, data.byteOffset, data.byteLength));
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
  reset() {}
}

it("signs as AWS's own signer does", async () => {
  const key = { accessKeyId: 'ASIAEXAMPLE', secretAccessKey: 'secret/+key', sessionToken: 'token==' };
  const nowMs = Date.parse('2026-01-02T03:04:05.678Z');
  const headers = {
    'content-type': 'application/x-amz-json-1.0',
    'x-amz-target': 'AmazonSQS.ReceiveMessage',
  };
  const body = '{"QueueUrl":"https://sqs.eu-west-1.amazonaws.com/1/tasks é"}';
  const url = new URL('https://sqs.eu-west-1.amazonaws.com/');
  const signer = new SignatureV4({
    credentials: key,
    region: 'eu-west-1',
    service: 'sqs',
    sha256: Sha256,
    applyChecksum: false,
  });
  const theirs = await signer.sign(
    {
      method: 'POST',
      protocol: 'https:',
      hostname: url.host,
      path: '/',
      headers: { ...headers, host: url.host },
      body,
    },
    { signingDate: new Date(nowMs) },
  );
  const ours = sign({ url, headers, body }, { service: 'sqs', region: 'eu-west-1', key, nowMs });
  expect(ours.authorization).toBe(theirs.headers.authorization);
});
