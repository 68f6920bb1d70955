// The bindings of a Worker as the entry gets them in the rig: the real ones, whose calls go by the plan of faults
// (faults.mjs). Runs inside the Worker. A service binding is handed on as it is.

/** By the name of its class, which is what Rust knows a binding by, too: a service binding would answer to any method. */
const SHIMS = {
  DurableObjectNamespace: objects,
  D1Database: database,
  WorkerQueue: (binding, call) => calling(binding, ['send', 'sendBatch'], call),
  KvNamespace: (binding, call) => calling(binding, ['get', 'getWithMetadata', 'put', 'delete', 'list'], call),
};

/** Makes shims for one isolate. The Worker keeps the first bindings that it sees, so they are made once for all. */
export function shimming(faults) {
  const made = new WeakMap();
  return (env) => {
    if (!made.has(env)) made.set(env, shimmed(env, faults));
    return made.get(env);
  };
}

function shimmed(env, faults) {
  return Object.fromEntries(Object.entries(env).map(([name, binding]) => {
    const shim = SHIMS[binding?.constructor?.name];
    return [name, shim === undefined ? binding : shim(binding, (send) => faults.call(name, send), (object) => faults.names(name, object))];
  }));
}

/** A binding some of whose methods are calls. */
function calling(binding, methods, call) {
  return instead(binding, (name, real) => (methods.includes(name) ? (...given) => call(() => real(...given)) : undefined));
}

/** A namespace whose stubs make their calls by the plan. `meet` hears the names of objects. */
function objects(namespace, call, meet) {
  return instead(namespace, (name, real) => {
    if (name === 'get') return (...given) => stub(real(...given), call);
    if (name === 'getByName') return (...given) => (meet(given[0]), stub(real(...given), call));
    return name === 'jurisdiction' ? (...given) => objects(real(...given), call, meet) : undefined;
  });
}

/** What a stub has besides methods of the object, all of which are calls. */
const OF_STUBS = ['id', 'name', 'constructor', 'then'];

function stub(real, call) {
  return new Proxy(real, {
    get: (target, name) => (typeof name === 'symbol' || OF_STUBS.includes(name) ? target[name] : (...given) => call(() => target[name](...given))),
  });
}

/** A database whose statements make their calls by the plan, whatever parameters they are bound to. */
function database(real, call) {
  return instead(real, (name, method) => {
    if (name === 'prepare') return (...given) => statement(method(...given), call);
    if (name === 'withSession') return (...given) => database(method(...given), call);
    return ['batch', 'exec'].includes(name) ? (...given) => call(() => method(...given)) : undefined;
  });
}

function statement(real, call) {
  return instead(real, (name, method) => {
    if (name === 'bind') return (...given) => statement(method(...given), call);
    return ['run', 'all', 'first', 'raw'].includes(name) ? (...given) => call(() => method(...given)) : undefined;
  });
}

/** An object of the platform, with some methods replaced. `replaced` gets a method's name and the real one. */
function instead(object, replaced) {
  return new Proxy(object, {
    get(target, name) {
      const value = target[name];
      if (typeof value !== 'function' || name === 'constructor') return value;
      const real = value.bind(target);
      return replaced(name, real) ?? real;
    },
  });
}
