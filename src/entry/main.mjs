// The Worker's entry module: what the platform calls. Everything else on the way of a request is in its siblings.
// Nothing but `fetch` and the Durable Object classes is exported: whatever stands here can be called over RPC.

import { serve } from "./drive.mjs";

export { Metrics, Signals } from "./objects.mjs";

export default { fetch: serve };
