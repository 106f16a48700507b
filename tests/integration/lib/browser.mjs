// Chromium, driven by playwright-core, with the dashboard in it. Whatever the page says on its console, throws, or is forbidden
// by its content security policy is written down.
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { after } from 'node:test';
import { chromium } from 'playwright-core';
import { folder, root, run, until } from './programs.mjs';

export const dashboardFolder = path.join(folder, 'dashboard');
export const screenshots = path.join(root, 'build/check/screenshots');

const running = new Set();
after(() => Promise.all([...running].map((chromium_) => chromium_.close())));

export function buildDashboard() {
  const built = run(path.join(root, 'scripts/build-dashboard'), [dashboardFolder]);
  if (built.status !== 0) throw new Error(`scripts/build-dashboard: ${built.stderr}`);
}

export class Browser {
  static async start() {
    const self = new Browser();
    mkdirSync(screenshots, { recursive: true });
    self.chromium = await chromium.launch({
      executablePath: '/usr/bin/chromium',
      args: ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
    });
    running.add(self.chromium);
    return self;
  }

  /** A page for itself, as of a user who was never here; `storage`: what an earlier visit would have left. */
  async open(url, { width = 1440, height = 900, colours = 'dark', storage = {} } = {}) {
    const context = await this.chromium.newContext({ viewport: { width, height }, colorScheme: colours });
    const page = await context.newPage();
    page.complaints = [];
    page.on('console', (message) => ['error', 'warning'].includes(message.type()) && page.complaints.push(`${message.text()} (${message.location().url})`));
    page.on('pageerror', (error) => page.complaints.push(error.stack));
    page.on('dialog', (dialog) => page.complaints.push(`a dialog: ${dialog.message()}`) && dialog.dismiss());
    await page.addInitScript((entries) => {
      for (const [name, value] of Object.entries(entries)) if (localStorage.getItem(name) === null) localStorage.setItem(name, value);
    }, storage);
    await page.goto(url);
    return page;
  }
}

/**
 * Without what a gateway without an aggregator answers when it is asked for candles, and one without a venue when it is asked for accounts. On a busy
 * machine a publisher may not tell its instruments in time (504): the page must have asked again then, until it had them.
 */
export async function complaintsOf(page) {
  const late = (text) => /status of 504 .*\/v1\/instruments\?exchange=/.test(text);
  if (page.complaints.some(late)) await until('the page to have its instruments all the same', () => page.evaluate(() => globalThis.tickwire.directory.byKey.size > 0));
  return page.complaints.filter((text) => !late(text) && (!/\(http:[^)]*\/v1\/(candles\/|accounts\))/.test(text) || !/404|503/.test(text)));
}
