// The upstreams: nginx with a fixed answer for load, and a small Node server that tells what it received for checks.
import { mkdirSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { CORES, freePort, portOpens, scratchFolder, start, stop } from './processes.mjs';

/** About 1 KiB of JSON, the answer of both origins to a measured request. */
export const BODY = JSON.stringify({
  items: Array.from({ length: 14 }, (_, id) => ({
    id,
    name: `item ${id}`,
    price: id * 1.25,
    tags: ['a', 'b'],
    active: id % 2 === 0,
  })),
  next: null,
});

const nginxConfiguration = (
  port,
  folder,
) => `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
events { worker_connections 1024; }
http {
  access_log off; keepalive_requests 100000000; keepalive_timeout 600s; default_type application/json;
  client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder};
  uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
  open_file_cache max=16 inactive=600s;
  server { listen 127.0.0.1:${port} backlog=512; root ${folder}; location / { try_files /body.json =404; } }
}
`;

/** nginx on the client's core: the same 1 KiB for every path. */
export async function startNginx() {
  const folder = join(scratchFolder(), 'nginx');
  mkdirSync(folder, { recursive: true });
  const port = await freePort();
  writeFileSync(join(folder, 'body.json'), BODY);
  writeFileSync(join(folder, 'nginx.conf'), nginxConfiguration(port, folder));
  const child = start(CORES.client, 'nginx', ['-c', join(folder, 'nginx.conf'), '-p', folder]);
  await portOpens(port, child);
  return { url: `http://127.0.0.1:${port}`, stop: () => stop(child) };
}

/** A Node server in this process. `handler` is that of node:http. */
export async function startNode(handler) {
  const server = http.createServer(handler);
  server.keepAliveTimeout = 600_000;
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () =>
    new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
  return { url: `http://127.0.0.1:${server.address().port}`, stop: close };
}

/** Answers with the request it received, and with fields of one connection that a gateway must not hand on. */
export function echo(request, response) {
  response.writeHead(200, {
    'content-type': 'application/json',
    connection: 'keep-alive, x-origin-hop',
    'x-origin-hop': '1',
    'keep-alive': 'timeout=5',
    'proxy-authenticate': 'Basic',
    'x-kept': '1',
  });
  response.end(JSON.stringify({ method: request.method, url: request.url, headers: request.headers }));
}
