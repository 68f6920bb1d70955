// An origin and a gateway in front of it that all tests of a file share.

import { after, before } from 'node:test';
import { startGateway } from './gateway.mjs';
import { startOrigin } from './origin.mjs';

/** Starts both before the first test, with what `options` gives for `startGateway`, hands them to `take` as
 * { origin, gateway }, and ends them behind the last test. */
export function withGateway(options, take) {
  const both = {};
  before(async () => {
    both.origin = await startOrigin();
    both.gateway = await startGateway({ origin: both.origin, ...options() });
    take(both);
  });
  after(async () => {
    await both.gateway?.stop();
    await both.origin?.stop();
  });
}
