// Packs a request's method, URL and the headers that decisions read into wasm memory: one text, and the length of
// each field. Nothing separates the fields, so none can pretend to be two.

/** The length of a header that is not there. */
const ABSENT = 0xffffffff;

/** What does not fit is refused before wasm sees anything of it. */
export const URL_TOO_LONG = -1;
export const HEADERS_TOO_LARGE = -2;

/** The longest URL that is taken, in UTF-16 units: what Cloudflare itself lets through. */
const LONGEST_URL = 16 * 1024;

const encoder = new TextEncoder();

/** How many fields a request has. GET and HEAD are asked for no length unless they have a body, as few do. */
export function fieldsOf(instance, request) {
  const { method } = request;
  if ((method === "GET" || method === "HEAD") && request.body === null) return 2 + instance.askedOfBodies;
  return 2 + (method === "OPTIONS" ? instance.names.length : instance.askedOfOptions);
}

/** Packs the first so many fields of a request. Returns the length of the text in bytes, or what is too long. */
export function pack(instance, request, fields) {
  instance.refresh();
  const { lengths, names, country } = instance;
  const { method, url, headers } = request;
  if (url.length > LONGEST_URL) return URL_TOO_LONG;
  const count = fields - 2;
  let text = method + url;
  lengths[0] = method.length;
  lengths[1] = url.length;
  for (let at = 0; at < count; at++) {
    // What this gateway does not read has no name.
    const value = at === country ? (request.cf?.country ?? null) : names[at] === "" ? null : headers.get(names[at]);
    if (value === null) {
      lengths[at + 2] = ABSENT;
    } else {
      lengths[at + 2] = value.length;
      text += value;
    }
  }
  const { read, written } = encoder.encodeInto(text, instance.input);
  if (read !== text.length) return HEADERS_TOO_LARGE;
  if (written !== read) measure(text, lengths.subarray(0, fields));
  return written;
}

/** Some field is not ASCII: lengths in UTF-16 units become lengths in bytes. */
function measure(text, lengths) {
  let from = 0;
  for (let at = 0; at < lengths.length; at++) {
    if (lengths[at] === ABSENT) continue;
    const field = text.slice(from, from + lengths[at]);
    from += lengths[at];
    lengths[at] = encoder.encode(field).length;
  }
}
