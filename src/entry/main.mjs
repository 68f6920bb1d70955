// The Worker's entry module: what the platform calls. Everything else on the way of a request is in its siblings.
// Nothing but `fetch`, `queue` and the Durable Object classes is exported: whatever stands here can be called over RPC.

import { consume } from "./consume.mjs";
import { serve } from "./drive.mjs";

export { Abuse, Audit, Limits, Metrics, Signals } from "./objects.mjs";

export default { fetch: serve, queue: consume };
