// A copy of header fields without those of one connection. Used by the hand-written contenders.
import { HOP_BY_HOP } from '../work.mjs';

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

export function withoutHopByHop(fields) {
  const headers = new Headers(fields);
  const named = headers.get('connection');
  if (named !== null) {
    for (const part of named.split(',')) {
      const name = part.trim();
      if (TOKEN.test(name)) headers.delete(name);
    }
  }
  for (const name of HOP_BY_HOP) headers.delete(name);
  return headers;
}
