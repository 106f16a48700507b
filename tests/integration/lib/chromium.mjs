// Debian's Chromium without a window, as a plain program: it loads a page of a server of the test's own, and the page sends
// back what it has found.
import { createServer } from 'node:http';
import { mkdtempSync } from 'node:fs';
import path from 'node:path';
import { Program, folder, run, until } from './programs.mjs';

const found = run('sh', ['-c', 'command -v chromium || true']).stdout.trim();
export const withoutChromium = found === '' ? 'no chromium on this machine' : false;

/** Runs `script` (module source; it calls `done(value)`) in a page; returns { value, origin }. `settings` is the script's `settings`. */
export async function inChromium(script, settings = {}, onOrigin = () => {}) {
  let said;
  const server = createServer((request, response) => {
    if (request.method !== 'POST') {
      response.setHeader('content-type', 'text/html; charset=utf-8');
      response.end(`<!doctype html><script type="module">const settings = ${JSON.stringify(settings)};
        const done = (value) => fetch('/done', { method: 'POST', body: JSON.stringify(value) });
        addEventListener('unhandledrejection', (event) => done({ failed: String(event.reason) }));
        addEventListener('error', (event) => done({ failed: String(event.error) }));
        ${script}</script>`);
      return;
    }
    let body = '';
    request.on('data', (data) => (body += data)).on('end', () => {
      said = { value: JSON.parse(body) };
      response.end();
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${server.address().port}`;
  await onOrigin(origin);
  const browser = new Program(found, ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run',
    '--ignore-certificate-errors', `--user-data-dir=${mkdtempSync(path.join(folder, 'chromium-'))}`, `${origin}/`]);
  try {
    await until(() => `the page to say something; ${browser.stderr.slice(-500)}`, () => said, 60_000);
    return said.value;
  } finally {
    await browser.stop('SIGKILL');
    server.closeAllConnections();
    server.close();
  }
}
