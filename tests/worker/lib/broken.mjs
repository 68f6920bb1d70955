// Answers of the origin that are written byte by byte: those that break, and those whose heads Node would not send.

const CHUNKED = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n';
const LONG = 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nfirst';

/** Fields that end at each hop, every one with a value that is found again when it comes through. */
export const HOPS = [
  ['connection', 'keep-alive, x-named-by-connection'],
  ['keep-alive', 'timeout=77'],
  ['proxy-authenticate', 'Basic realm="hop"'],
  ['proxy-authorization', 'Basic aG9w'],
  ['proxy-connection', 'keep-alive'],
  ['te', 'trailers'],
  ['trailer', 'x-hop-trailer'],
  ['upgrade', 'hop/1'],
  ['x-named-by-connection', 'hop'],
];

const headOf = (fields) => fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');
const OF_PROXIES = HOPS.filter(([name]) => name.startsWith('proxy-'));

export const BROKEN = {
  'reset-before-head': (request) => request.socket.resetAndDestroy(),
  'end-before-head': (request) => request.socket.destroy(),
  'reset-in-chunk': (request) => broken(request, CHUNKED, 'reset'),
  'end-after-chunk': (request) => broken(request, CHUNKED, 'end'),
  'end-in-chunk': (request) => broken(request, `${CHUNKED}64\r\nhalf`, 'end'),
  'reset-in-length': (request) => broken(request, LONG, 'reset'),
  'end-in-length': (request) => broken(request, LONG, 'end'),
  hops: (request) => raw(request, `HTTP/1.1 200 OK\r\n${headOf(HOPS)}content-length: 4\r\n\r\nhops`, (socket) => socket.end()),
  proxied: (request) => raw(request, `HTTP/1.1 200 OK\r\n${headOf(OF_PROXIES)}content-length: 7\r\n\r\nproxied`, (socket) => socket.end()),
};

/** Answers that are none, or that two readers would read in two ways: the head never becomes one. */
export const NO_HEADS = {
  'no-http': 'hello, this is no HTTP\r\n\r\n',
  'another-protocol': 'SSH-2.0-OpenSSH_9.2\r\n',
  'half-a-head': 'HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n',
  'two-lengths': 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello',
  'length-of-letters': 'HTTP/1.1 200 OK\r\ncontent-length: five\r\n\r\nhello',
  'no-status': 'HTTP/1.1 OK\r\ncontent-length: 5\r\n\r\nhello',
  'nul-in-a-field': 'HTTP/1.1 200 OK\r\nx-a: a\0b\r\ncontent-length: 5\r\n\r\nhello',
};

for (const [name, bytes] of Object.entries(NO_HEADS)) BROKEN[name] = (request) => raw(request, bytes, (socket) => socket.end());

/** Heads that come before the one that counts (RFC 9110 section 15.2). */
BROKEN['early-hints'] = (request) => raw(request, 'HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello', (socket) => socket.end());

/** The origin reads a little of the body and goes. */
BROKEN['reset-in-upload'] = (request) => request.once('data', () => request.socket.resetAndDestroy());

/** The names of the ways in which a body can break. */
export const BREAKAGES = Object.keys(BROKEN).filter((name) => /^(?:reset|end)-(?:in|after)-(?:chunk|length)$/.test(name));

/** The part of the answer goes out first; then the connection breaks. A reset may overtake what was not read. */
function broken(request, part, how) {
  raw(request, part, (socket) => setTimeout(() => (how === 'reset' ? socket.resetAndDestroy() : socket.destroy()), 30));
}

function raw(request, bytes, then) {
  const { socket } = request;
  request.resume();
  socket.write(bytes, () => then(socket));
}
