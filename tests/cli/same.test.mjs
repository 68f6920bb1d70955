// The command line as wasm under Node says what the native program says: the same output, byte for byte, the same exit
// codes, the same files. What the commands say is tested in cli/tests; here they are only compared.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { CLI, inRepository } from '../../scripts/lib/paths.mjs';

const SCRIPT = inRepository('scripts', 'ferrogate.mjs');
const SECRET = 'a secret of thirty-two bytes or so';

let root;
before(() => { root = fs.mkdtempSync(path.join(os.tmpdir(), 'ferrogate-cli-')); });
after(() => fs.rmSync(root, { recursive: true, force: true }));

/** Command lines whose output does not depend on the hour or on chance. */
const LINES = [
  '', '--help', '-V', 'help check', 'routes --help', 'wat', 'chekc', '--versoin', 'help wat',
  'check', 'check good.toml', 'check bad.toml', 'check bad.toml good.toml missing.toml', 'check bad.toml --format json',
  'check bad.toml --format sarif', 'check good.toml --format xml', 'check warned.toml', 'check warned.toml --deny-warnings',
  'check with/gateway.toml', 'check with/gateway.toml --vars with/more', 'check with/gateway.toml --vars nowhere',
  'check included/gateway.toml', 'check included/broken.toml', 'check .', 'check binary.toml', 'check good.toml/x', 'check ü.toml',
  'routes good.toml', 'routes good.toml --resolved', 'routes good.toml --format json --resolved', 'routes', 'routes good.toml --env x',
  'compile good.toml --out out/deep/gateway.bin', 'compile good.toml', 'compile bad.toml --out out.bin', 'compile good.toml -o with',
  'compile good.toml -o good.toml/x', 'init new/gateway', 'init --name no_good', 'init with', 'init good.toml', 'init',
  'token --config good.toml', 'token --config good.toml --issuer partnr', 'token --config good.toml --issuer partner --ttl 0s',
  'token --config good.toml --issuer acme', 'completions bash', 'completions zsh', 'completions fish', 'completions tcsh',
];

test('native and wasm say, write and answer the same', () => {
  for (const line of LINES) {
    const [native, wasm] = ['native', 'wasm'].map((kind) => runIn(kind, line.split(' ').filter(Boolean)));
    assert.deepEqual(wasm, native, `ferrogate ${line}`);
  }
});

test('a token is signed alike', () => {
  // Both in the same second, which fails once in a while.
  const tokens = () => ['native', 'wasm'].map((kind) => runIn(kind, ['token', '--config', 'good.toml', '--issuer', 'partner', '--scope', 'a b']).stdout);
  const equal = () => { const [native, wasm] = tokens(); return native !== '' && native === wasm; };
  assert.ok([1, 2, 3, 4].some(equal));
});

test('a reader that has gone away changes nothing', () => {
  const folder = prepared();
  const { stderr } = spawnSync('sh', ['-c', '"$0" "$1" completions bash | head -c 1 > /dev/null', process.execPath, SCRIPT], { cwd: folder, env: environment('wasm'), encoding: 'utf8' });
  assert.equal(stderr, '');
});

/** What a command line does in a fresh folder, which has the same path for both. */
function runIn(kind, words) {
  const folder = prepared();
  const [command, args] = kind === 'native' ? [CLI, words] : [process.execPath, [SCRIPT, ...words]];
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: folder, env: environment(kind), encoding: 'utf8' });
  assert.equal(error, undefined);
  return { status, stdout, stderr, files: files(folder) };
}

function environment(kind) {
  return { PATH: process.env.PATH, FERROGATE_CLI: kind, PARTNER_SECRET: SECRET };
}

function prepared() {
  const folder = path.join(root, 'here');
  fs.rmSync(folder, { recursive: true, force: true });
  const write = (name, content) => {
    fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    fs.writeFileSync(path.join(folder, name), content);
  };
  const fixture = (name) => fs.readFileSync(inRepository('tests', 'fixtures', 'config', name));
  const small = "[gateway]\nname = 'a'\n[routes.'GET /']\nrespond = 'x'\nauth = 'none'\n";
  write('good.toml', fixture('good/everything.toml'));
  write('bad.toml', fixture('bad/unknown_names.toml'));
  write('warned.toml', fixture('bad/unused.toml'));
  write('ü.toml', `${small}über = 1 # ✓\n`);
  write('binary.toml', Buffer.from([0xff, 0xfe]));
  write('with/gateway.toml', fixture('good/everything.toml'));
  write('with/.dev.vars', 'JWT_SECRET=x\n');
  write('with/wrangler.toml', "[vars]\nAUDIENCE = ''\n[env.staging.vars]\nTENANT = ''\n");
  write('with/more', 'export ADMIN_ORIGIN=\n');
  write('included/gateway.toml', `include = ["routes/*.toml"]\n${small}`);
  write('included/broken.toml', `include = ["nowhere/*.toml", "routes", "absent.toml"]\n${small}`);
  write('included/routes/b.toml', "[routes.'GET /b']\nrespond = 'x'\nauth = 'none'\n");
  write('included/routes/a.toml', "[routes.'GET /a']\nrespond = 'x'\nauth = 'nobody'\n");
  return folder;
}

/** Every file with its content and who may use it; what is random is left out. */
function files(folder) {
  const names = fs.readdirSync(folder, { recursive: true }).sort();
  return names.map((name) => {
    const file = path.join(folder, name);
    const stat = fs.statSync(file);
    const content = stat.isFile() ? fs.readFileSync(file, 'latin1').replace(/(JWT_SECRET=)[0-9a-f]{64}/, '$1…') : 'a folder';
    return [name, stat.mode.toString(8), content];
  });
}
