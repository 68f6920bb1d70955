// A router by path segments: one Map look-up for each segment, built once per isolate.
const node = () => ({ children: new Map(), parameter: null, methods: null });

export function buildRouter(routes) {
  const root = node();
  for (const route of routes) {
    let at = root;
    for (const segment of route.path.slice(1).split('/')) {
      if (segment.startsWith('{')) {
        at = at.parameter ??= node();
      } else {
        if (!at.children.has(segment)) at.children.set(segment, node());
        at = at.children.get(segment);
      }
    }
    (at.methods ??= new Map()).set(route.method, route);
  }
  return root;
}

/** The methods of the path, as Map<method, route>, or null. */
export function findPath(root, path) {
  let at = root;
  for (let start = 1; start <= path.length;) {
    let end = path.indexOf('/', start);
    if (end < 0) end = path.length;
    const next = at.children.get(path.slice(start, end)) ?? (end > start ? at.parameter : null);
    if (!next) return null;
    at = next;
    start = end + 1;
  }
  return at.methods;
}
