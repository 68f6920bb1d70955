// Values of `Authorization` for tests/worker/hostile.test.mjs: good tokens, and what somebody makes of them who wants in.

import { createHmac } from 'node:crypto';
import { SECRET } from '../tokens.mjs';

const encode = (text) => Buffer.from(text).toString('base64url');
const HEADER = '{"alg":"HS256","typ":"JWT"}';
const EXPIRES = 4_000_000_000;

function signed(header, payload, secret = SECRET) {
  const text = `${encode(header)}.${encode(payload)}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}

function payload(more = {}) {
  return JSON.stringify({ iss: 'https://issuer.test/', aud: 'api', sub: 'u-1', scope: 'things:read', exp: EXPIRES, ...more });
}

/** The same token with other bits behind the last byte of its signature: the same bytes to a careless decoder. */
function uncanonical(token) {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return token.slice(0, -1) + alphabet[alphabet.indexOf(token.at(-1)) ^ 1];
}

const with_ = (part, value) => payload().replace(/}$/, `,"${part}":${value}}`);
const GOOD = signed(HEADER, payload());
const [HEAD, CLAIMS, SIGNATURE] = GOOD.split('.');

/** Tokens that let somebody in: signed by the issuer, however odd what they say besides. */
const BELIEVED = [
  GOOD,
  GOOD,
  GOOD,
  signed('{"typ":"at+jwt","alg":"HS256"}', payload()),
  signed('{"alg":"HS256","kid":"../../../../dev/null","jku":"http://evil.test/","x5u":"http://evil.test/"}', payload()),
  ...['a\r\nx-admin: 1', 'a\u0085b\u2028c', '\u0000', 'é', 'x'.repeat(3000), ''].map((sub) => signed(HEADER, payload({ sub }))),
  signed(HEADER, payload({ sub: 7 })),
  signed(HEADER, payload({ sub: { toString: 'admin' } })),
  signed(HEADER, with_('extra', `${'['.repeat(60)}${']'.repeat(60)}`)),
  signed(HEADER, payload({ aud: ['other', 'api'] })),
];

/** Tokens that let nobody in. */
const REFUSED = [
  `${encode('{"alg":"none"}')}.${CLAIMS}.`,
  `${encode('{"alg":"nOnE","typ":"JWT"}')}.${CLAIMS}.${SIGNATURE}`,
  signed('{"alg":"none"}', payload()),
  signed('{"alg":"HS512","typ":"JWT"}', payload()),
  signed('{"alg":"RS256","typ":"JWT"}', payload()),
  signed('{"typ":"JWT"}', payload()),
  signed('{"alg":"HS256","alg":"none"}', payload()),
  signed('{"alg":"HS256","crit":["exp"]}', payload()),
  signed('{"alg":"HS256","b64":false,"crit":["b64"]}', payload()),
  signed('{"alg":"HS256","typ":"secevent+jwt"}', payload()),
  signed(HEADER, payload(), 'another secret, of more than thirty-two bytes'),
  signed(HEADER, payload(), ''),
  `${CLAIMS}.${HEAD}.${SIGNATURE}`,
  `${HEAD}.${SIGNATURE}.${CLAIMS}`,
  `${HEAD}.${CLAIMS}`,
  `${HEAD}.${CLAIMS}.`,
  `.${CLAIMS}.${SIGNATURE}`,
  '..',
  '.',
  `${GOOD}.`,
  `${GOOD}.${SIGNATURE}`,
  `${GOOD}=`,
  `${GOOD}\u00ff`,
  `${HEAD}=.${CLAIMS}=.${SIGNATURE}=`,
  uncanonical(GOOD),
  GOOD.replaceAll('_', '/').replaceAll('-', '+').replace('.', '. '),
  `${HEAD}.${encode(payload({ sub: 'admin' }))}.${SIGNATURE}`,
  signed(HEADER, with_('sub', '"admin"')),
  signed(HEADER, with_('exp', '5000000000')),
  signed(HEADER, with_('extra', `${'['.repeat(3000)}${']'.repeat(2000)}`)),
  signed(HEADER, with_('extra', `${'{"a":'.repeat(1000)}1${'}'.repeat(1000)}`)),
  signed(HEADER, payload({ exp: 1 })),
  signed(HEADER, payload({ exp: 'soon' })),
  signed(HEADER, payload({ exp: null })),
  signed(HEADER, payload().replace(String(EXPIRES), '1e999')),
  signed(HEADER, payload().replace(String(EXPIRES), '-1e300')),
  signed(HEADER, payload({ nbf: EXPIRES })),
  signed(HEADER, payload({ iss: 'https://issuer.test' })),
  signed(HEADER, payload({ iss: ['https://issuer.test/'] })),
  signed(HEADER, payload({ aud: 'API' })),
  signed(HEADER, payload({ aud: { api: true } })),
  signed(HEADER, payload({ scope: 'things:readonly' })),
  signed(HEADER, payload({ scope: 'x\tthings:read' })),
  signed(HEADER, payload({ scope: { 'things:read': true } })),
  signed(HEADER, '[]'),
  signed(HEADER, '"text"'),
  signed(HEADER, ''),
  signed(HEADER, `${payload()}\u0000`),
  signed(HEADER, `${payload()}{}`),
  signed('', payload()),
  signed('null', payload()),
  'x'.repeat(8193),
  `${HEAD}.${'A'.repeat(9000)}.${SIGNATURE}`,
  `${HEAD}.${'A'.repeat(70_000)}.${SIGNATURE}`,
];

/** What stands around a token: the whole value, and whether a good token is believed in it. */
const SCHEMES = [
  ['Bearer ', true], ['Bearer ', true], ['Bearer ', true], ['bearer ', true], ['BEARER   ', true],
  ['Bearer', false], ['Basic ', false], ['Bearer\t', false], ['Token ', false], ['', false], ['Bearer Bearer ', false],
];

/** A value, and whether it lets somebody in. */
export function authorization({ one, chance }) {
  const [scheme, known] = one(SCHEMES);
  const believed = chance(0.5);
  return { value: `${scheme}${one(believed ? BELIEVED : REFUSED)}`, believed: believed && known };
}
