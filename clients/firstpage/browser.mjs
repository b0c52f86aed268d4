// Chromium as readers of pages have it: their language, their colours, their width; and what it complains of.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { chromium } from 'playwright-core';

import { scratch, url } from '../shared/server.mjs';

const AXE = readFileSync(new URL('node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');

export const LANGUAGES = ['en', 'fr', 'it', 'de', 'es'];
export const WIDTHS = [360, 768, 1280];

/** Runs `body` with a browser and ends it. */
export async function withBrowser(body) {
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
  try {
    await body(browser);
  } finally {
    await browser.close();
  }
}

/** A reader with a page of their own, who notes every complaint of the browser. */
export class Reader {
  static async of(browser, { width = 1280, colorScheme = 'light', locale = 'en' } = {}) {
    const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme, locale });
    await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: url });
    const reader = new Reader();
    Object.assign(reader, { context, page: await context.newPage(), complaints: [], name: `${locale}-${colorScheme}-${width}` });
    context.on('console', (message) => ['error', 'warning'].includes(message.type()) && reader.complaints.push(message.text()));
    context.on('weberror', (error) => reader.complaints.push(error.error().message));
    return reader;
  }

  async open(path) {
    await this.page.goto(url + path);
    return this.page;
  }

  /** Keeps what is to be seen, and has axe look for what keeps people out. */
  async inspect(what) {
    const { page } = this;
    await page.screenshot({ path: join(scratch, `${what}-${this.name}.png`), fullPage: true });
    const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.equal(over, 0, `${what} ${this.name} is ${over} pixels wider than its window`);
    // A new world of scripts, for the page's own policy admits none of ours.
    const { violations } = await page.evaluate(`${AXE}\naxe.run(document, { resultTypes: ['violations'] })`);
    const found = violations.map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map((node) => node.target).join(' | ')}`);
    assert.deepEqual(found, [], `${what} ${this.name}`);
  }

  async leave() {
    assert.deepEqual(this.complaints, [], `the browser complained (${this.name})`);
    await this.context.close();
  }
}
