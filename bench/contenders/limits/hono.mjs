// Hono with a limit as middleware: one call of an object for each request. Forwards with Hono's proxy() and logs one line.
import { Hono } from 'hono';
import { proxy } from 'hono/proxy';
import { fields, limitOf, refusal, take } from './limited.mjs';

export { Counter } from './counter.mjs';

const logger = async (c, next) => {
  const started = Date.now();
  await next();
  const { method, path } = c.req;
  console.log(JSON.stringify({ level: 'info', msg: 'request', request_id: null, method, path, route: null, status: c.res.status, duration_ms: Date.now() - started, principal: null }));
};

const limiter = async (c, next) => {
  const limit = limitOf(c.req.path);
  if (limit === undefined) return next();
  const taken = await take(c.env, limit, c.req.header('cf-connecting-ip'));
  if (taken.left < 0) {
    const { body, headers } = refusal(limit, taken.resetMs);
    return c.body(body, 429, { ...headers, ...Object.fromEntries(fields(limit, taken)) });
  }
  await next();
  for (const [name, value] of fields(limit, taken)) c.header(name, value);
};

const forward = (c) => {
  const { url } = c.req;
  return proxy(c.env.ORIGIN_URL + url.slice(url.indexOf('/', 8)), { raw: c.req.raw, strictConnectionProcessing: true, redirect: 'manual' });
};

const app = new Hono();
app.use(logger);
app.use(limiter);
app.get('/api/v1/:name/:id', forward);

export default app;
