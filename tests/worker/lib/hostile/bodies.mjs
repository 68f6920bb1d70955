// Bodies of requests and the fields that frame them, right and wrong. One character is one byte.

/** A request that hides in the body of another. It must never become one unless the framing itself says so. */
const HIDDEN = (number) => `GET /open/hidden HTTP/1.1\r\nhost: gateway.test\r\nx-case: hidden-${number}\r\n\r\n`;

const length = (count) => [`content-length: ${count}`];
const CHUNKED = ['transfer-encoding: chunked'];
const LAST = '0\r\n\r\n';
const chunk = (text) => `${text.length.toString(16)}\r\n${text}\r\n`;

/** Framed as they should be: another request may follow on the same connection. */
const RIGHT = [
  () => [[], ''],
  () => [[], ''],
  () => [[], ''],
  () => [length(0), ''],
  () => [length(5), 'hello'],
  (hidden) => [length(hidden.length), hidden],
  (hidden) => [CHUNKED, chunk(hidden) + LAST],
  () => [CHUNKED, chunk('hello') + LAST],
  () => [CHUNKED, LAST],
  () => [CHUNKED, `5;ext="a";b\r\nhello\r\n0;c=d\r\nx-user-id: forged-by-the-client\r\n\r\n`],
  () => [['transfer-encoding: \tchunked'], chunk('hello') + LAST],
  () => [length(2000), 'x'.repeat(2000)],
  () => [CHUNKED, chunk('x'.repeat(1500)) + LAST],
  () => [CHUNKED, chunk('x'.repeat(100)).repeat(15) + LAST],
  () => [[...length(5), ...length(5)], 'hello'],
];

/** Framed so that somebody may lose the thread. Nothing follows them but the end. */
const WRONG = [
  (hidden) => [[...CHUNKED, ...length(5)], LAST + hidden],
  (hidden) => [[...length(hidden.length + 5), ...CHUNKED], LAST + hidden],
  (hidden) => [[...length(5), ...length(6)], `hello${hidden}`],
  ...['+5', '-5', '0x5', '5, 5', '5, 6', '5 5', '', 'abc', '5e0', '9'.repeat(30), '18446744073709551621', '5\x0b'].map((value) => (hidden) => [length(value), `hello${hidden}`]),
  ...['xchunked', 'identity', 'chunked, identity', '"chunked"', 'chunked;a=b', '\x0bchunked', 'chunked\0', ''].map((value) => (hidden) => [[`transfer-encoding: ${value}`], LAST + hidden]),
  (hidden) => [['transfer-encoding : chunked'], LAST + hidden],
  (hidden) => [['transfer-encoding:', ' chunked'], LAST + hidden],
  (hidden) => [['content-length: 5\r\n 0'], `hello${hidden}`],
  ...['zz', '-1', '0x5', '5 ', ' 5', 'ffffffffffffffffff', '+5', '', '5;'.padEnd(9000, 'x')].map((size) => () => [CHUNKED, `${size}\r\nhello\r\n${LAST}`]),
  // The runtime reads these two as chunked: what follows the last chunk is then a request of its own.
  () => [['transfer-encoding: chunked, chunked'], LAST],
  () => [['transfer-encoding: identity', ...CHUNKED], LAST],
  () => [CHUNKED, '5\nhello\n0\n\n'],
  () => [CHUNKED, '5\r\nhelloX\r\n0\r\n\r\n'],
  () => [CHUNKED, '5\r\nhel'],
  () => [CHUNKED, '5\r\nhello\r\n'],
  () => [CHUNKED, `${chunk('hello')}0\r\nx: \0\r\n\r\n`],
  () => [length(500), 'short'],
  () => [length(99_999_999), 'short'],
];

/** The framing lines and the body of a request, and whether another may follow it. */
export function body({ one, chance }, number) {
  const right = chance(0.93);
  const [lines, text] = one(right ? RIGHT : WRONG)(HIDDEN(number));
  return { lines, text, right };
}

/** The last of a conversation may say more than it announced: what follows is then a request of its own. */
export function leftover({ one }) {
  return one(['', '', '', 'GARBAGE\r\n\r\n', '\0\0\0', '\r\n\r\n\r\n', 'GET /', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03']);
}
