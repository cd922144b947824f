"""Tells the API why the first boot failed: the step, and the last lines of its output, are its arguments.

It needs Python alone, by which cloud-init runs this script: Node.js may be what could not be installed. The proof is that of
"reveille-runner enroll", a signed GetCallerIdentity, made for this report.
"""
import base64, hashlib, hmac, json, re, sys, time, urllib.error, urllib.request

METADATA = 'http://169.254.169.254'
BODY = 'Action=GetCallerIdentity&Version=2011-06-15'
sts_host, step, detail = sys.argv[1:4]
detail = re.sub(r'[^\x20-\x7e]+', ' ', detail).strip()[-1000:]


def call(url, method='GET', headers={}, body=None):
    request = urllib.request.Request(url, body and body.encode(), headers, method=method)
    with urllib.request.urlopen(request, timeout=5) as response:
        return response.read().decode()


def digest(text):
    return hashlib.sha256(text.encode())


def mac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def report():
    token = call(METADATA + '/latest/api/token', 'PUT', {'x-aws-ec2-metadata-token-ttl-seconds': '60'})
    read = lambda item: call(METADATA + '/latest/meta-data/' + item, headers={'x-aws-ec2-metadata-token': token})
    api = read('tags/instance/reveille:api')
    region = read('placement/region')
    roles = 'iam/security-credentials/'
    key = json.loads(read(roles + read(roles).split()[0]))
    date = time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())
    bound = base64.urlsafe_b64encode(digest(step + '\n' + detail).digest()).decode().rstrip('=')
    headers = {
        'content-type': 'application/x-www-form-urlencoded; charset=utf-8',
        'host': sts_host,
        'x-amz-date': date,
        'x-amz-security-token': key['Token'],
        'x-reveille-boot-failure': bound,
        'x-reveille-server': api.split('/')[2],
    }
    names = ';'.join(headers)
    lines = ''.join(name + ':' + value + '\n' for name, value in headers.items())
    canonical = '\n'.join(['POST', '/', '', lines, names, digest(BODY).hexdigest()])
    scope = [date[:8], region, 'sts', 'aws4_request']
    signing = ('AWS4' + key['SecretAccessKey']).encode()
    for part in scope:
        signing = mac(signing, part)
    scope = '/'.join(scope)
    signature = mac(signing, '\n'.join(['AWS4-HMAC-SHA256', date, scope, digest(canonical).hexdigest()])).hex()
    call(
        api + '/api/agent/boot-failure',
        'POST',
        {'content-type': 'application/json'},
        json.dumps({
            'step': step,
            'detail': detail,
            'region': region,
            'date': date,
            'sessionToken': key['Token'],
            'authorization': 'AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s'
            % (key['AccessKeyId'], scope, names, signature),
        }),
    )


# The network may be what failed, or the launch is not noted yet.
for wait in (1, 2, 4, 8, 16, 0):
    try:
        report()
        print('The API knows that the first boot failed')
        break
    except Exception as error:
        said = error.read().decode(errors='replace') if isinstance(error, urllib.error.HTTPError) else ''
        print('The failed boot is not reported:', error, said)
        time.sleep(wait)
