// The entry of the workers-rs contender. worker-build would generate a class that hands each event to the exported
// function of the same name; this does the same for `fetch`, without worker-build's recovery from panics.
import { fetch } from './workers_rs_contender.js';

export default { fetch };
