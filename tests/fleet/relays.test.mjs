// Relays of the log among the real objects: what a reader gets of one when the root does not answer. What relays know is
// tested natively (tests/simulation).

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startOrigin } from '../worker/lib/origin.mjs';
import { within } from '../worker/lib/poll.mjs';
import { startRig } from './lib/rig.mjs';

/** Reads all that there is; what was learnt a quarter of a second ago will do. */
const READ = [3, 1, 0, 0, 250, 1];

const NAME = 'relay:EU:0';

let origin;
let rig;

before(async () => {
  origin = await startOrigin();
  rig = await startRig({ isolates: 2, origin });
});

after(async () => {
  await rig?.stop();
  await origin?.stop();
});

const read = (isolate) => isolate.call('SIGNALS', ['getByName', NAME], ['relay', READ]);

test('a relay whose root never answers says so to all who wait, and is well again when the root is', async () => {
  const [format, kind] = Object.values(await read(rig.iso(1)));
  assert.deepEqual([format, kind], [3, 2], 'everything');
  await rig.kill('Signals', NAME);
  await rig.hold('Signals', 'root', 60_000);
  const both = [read(rig.iso(0)), read(rig.iso(1))].map((answer) => assert.rejects(answer, /did not answer in time/));
  await within(5000, Promise.all(both), 'the end of waiting');
  await rig.hold('Signals', 'root', 0);
  assert.equal(Object.values(await within(1000, read(rig.iso(0)), 'an answer'))[0], 3);
});
