// A page in Chromium of which nobody is told anything: its DevTools are only asked. Where a browser's network is observed, as
// playwright does, it tells of each frame of a WebSocket, and at thousands a second telling takes more of the machine than the page.
import { mkdtempSync } from 'node:fs';
import path from 'node:path';
import WebSocket from 'ws';
import { Program, folder, until } from './programs.mjs';

const ARGUMENTS = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage', '--remote-debugging-port=0'];

export class PlainChromium {
  /** Opens `url` as for a user of whom an earlier visit has left `storage`. */
  static async open(url, { width = 1440, height = 900, storage = {} } = {}) {
    const self = new PlainChromium();
    self.program = new Program('/usr/bin/chromium', [...ARGUMENTS, `--window-size=${width},${height}`, `--user-data-dir=${mkdtempSync(path.join(folder, 'chromium-'))}`, 'about:blank']);
    const [, port] = await self.program.says(/DevTools listening on ws:\/\/127\.0\.0\.1:(\d+)\//);
    const target = await until('a page', async () => (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()).find(({ type }) => type === 'page'));
    await self.#connect(target.webSocketDebuggerUrl);
    await self.send('Page.enable'); // or no script is evaluated
    await self.send('Page.addScriptToEvaluateOnNewDocument', { source: `for (const [name, value] of Object.entries(${JSON.stringify(storage)})) localStorage.setItem(name, value)` });
    await self.send('Page.navigate', { url });
    return self;
  }

  async #connect(url) {
    this.waiting = new Map();
    this.asked = 0;
    this.tools = new WebSocket(url, { perMessageDeflate: false });
    this.tools.on('message', (text) => {
      const { id, result, error } = JSON.parse(text), asker = this.waiting.get(id);
      this.waiting.delete(id);
      if (error) asker?.reject(new Error(error.message));
      else asker?.resolve(result);
    });
    await new Promise((resolve, reject) => this.tools.on('open', resolve).on('error', reject));
  }

  /** A method of the Chrome DevTools Protocol; what it returns. */
  send(method, params = {}) {
    const id = ++this.asked;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.tools.send(JSON.stringify({ id, method, params }));
    });
  }

  /** `run(argument)` in the page; what it returns, or what its promise comes to. */
  async evaluate(run, argument) {
    const { result, exceptionDetails } = await this.send('Runtime.evaluate', { expression: `(${run})(${JSON.stringify(argument)})`, awaitPromise: true, returnByValue: true });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  async close() {
    this.tools.terminate();
    await this.program.stop('SIGKILL');
  }
}
