// Wasm memory may grow between two requests: an object shares it. Every view that JavaScript holds is then empty.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withGateway } from './lib/with-gateway.mjs';

let origin;
let gateway;

withGateway(() => ({ build: 'faults' }), (both) => ({ origin, gateway } = both));

test('memory that grows between two requests is seen by the next one', async () => {
  assert.equal((await gateway.ask('/open/echo')).status, 200);
  const { bytes } = await gateway.memory();
  const grown = await gateway.ask('/__ferrogate/grow');
  assert.equal(grown.json().bytes, bytes + 65_536);
  assert.equal((await gateway.ask('/open/echo')).status, 200);
  assert.equal((await gateway.ask('/nowhere')).status, 404);
  assert.equal((await gateway.memory()).resets, 0);
});
