// A browser with pages of several origins: host names of our own (`*.test`) that all mean this machine, and one server
// that has the same empty page for all of them.

import fs from 'node:fs';
import http from 'node:http';
import { chromium } from 'playwright-core';

const EXECUTABLE = process.env.CHROMIUM ?? '/usr/bin/chromium';
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--host-resolver-rules=MAP *.test 127.0.0.1'];
const PAGE = '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><title>a page</title>';

/** Starts it. Without a browser it says how to get one: a test of CORS that no browser has judged tests nothing. */
export async function startBrowser() {
  if (!fs.existsSync(EXECUTABLE)) throw new Error(`there is no ${EXECUTABLE}: run \`npm run setup:ci\`, or name a Chromium in CHROMIUM.`);
  const server = http.createServer((request, response) => response.writeHead(200, { 'content-type': 'text/html' }).end(PAGE));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const browser = await chromium.launch({ executablePath: EXECUTABLE, args: FLAGS });
  return new Browser(server, browser);
}

class Browser {
  #server;
  #browser;

  constructor(server, browser) {
    this.#server = server;
    this.#browser = browser;
    this.port = server.address().port;
  }

  /** A browser that remembers nothing of others: neither cookies nor answers nor preflights. */
  async fresh() {
    const context = await this.#browser.newContext();
    return { page: (host) => this.#page(context, host), close: () => context.close() };
  }

  async #page(context, host) {
    const page = await context.newPage();
    await page.goto(`http://${host}:${this.port}/`);
    return new Page(page);
  }

  async stop() {
    await this.#browser.close();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

class Page {
  #page;

  constructor(page) {
    this.#page = page;
  }

  /** What a script of the page gets from `fetch`: { status, headers, body }, or { refused } when it may not know. */
  fetch(url, options = {}) {
    return this.#page.evaluate(ask, { url, options });
  }

  /** The same from a frame that has no origin. */
  async fetchFromSandbox(url) {
    await this.#page.evaluate(() => {
      const frame = document.createElement('iframe');
      frame.sandbox = 'allow-scripts';
      frame.srcdoc = 'a frame';
      document.body.append(frame);
      return new Promise((resolve) => { frame.onload = resolve; });
    });
    return this.#page.frames().at(-1).evaluate(ask, { url, options: {} });
  }
}

/** Runs in the page. */
async function ask({ url, options }) {
  try {
    const response = await fetch(url, options);
    return { status: response.status, headers: Object.fromEntries(response.headers), body: await response.text() };
  } catch (error) {
    return { refused: error.name };
  }
}
