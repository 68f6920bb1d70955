// The Hono contender: the common work and nothing else.
import { makeApp } from './hono-app.mjs';

export default makeApp();
