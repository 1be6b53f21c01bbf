'use strict';
// The files that WeChat reads before any page, and the types of the code.

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { APP } = require('./simulate');

const read = (file) => fs.readFileSync(path.join(APP, file), 'utf8');
const json = (file) => JSON.parse(read(file));
const files = fs.readdirSync(APP, { recursive: true }).map(String);
const sources = files.filter((file) => file.endsWith('.js'));
const app = json('app.json');

test('every page has its files and every component it uses', () => {
  for (const page of app.pages) {
    for (const kind of ['js', 'json', 'wxml']) assert.ok(files.includes(`${page}.${kind}`), `${page}.${kind}`);
    for (const used of Object.values(json(`${page}.json`).usingComponents))
      assert.ok(files.includes(`${used.slice(1)}.js`), used);
  }
});

test('every JSON file is valid, and the sitemap names pages', () => {
  for (const file of files.filter((name) => name.endsWith('.json'))) assert.equal(typeof json(file), 'object', file);
  const { rules } = json(app.sitemapLocation);
  for (const { page } of rules) assert.ok(page === '*' || app.pages.includes(page), page);
});

test('the location functions that the code calls are declared, and no precise one', () => {
  const functions = /wx\.((?:getFuzzyLocation|getLocation|chooseLocation|choosePoi|onLocationChange|startLocationUpdate)\w*)/g;
  const called = sources.flatMap((file) =>
    [
      ...read(file)
        .replace(/^ *(\/\/|\*|\/\*).*$/gm, '')
        .matchAll(functions),
    ].map(([, name]) => name),
  );
  assert.deepEqual([...new Set(called)].sort(), [...app.requiredPrivateInfos].sort());
  assert.ok(!app.requiredPrivateInfos.includes('getLocation'));
  assert.ok(app.permission['scope.userFuzzyLocation'].desc.length <= 30);
});

test('the pages of templates call only methods that exist', () => {
  for (const file of files.filter((name) => name.endsWith('.wxml'))) {
    const source = read(file.replace(/wxml$/, 'js'));
    for (const [, method] of read(file).matchAll(/ bind\w+="(\w+)"/g)) {
      assert.match(source, new RegExp(`^    (?:async )?${method}\\(`, 'm'), `${file}: ${method}`);
    }
  }
});

test('types of the pages match those of WeChat', () => {
  const typings = require.resolve('miniprogram-api-typings/package.json');
  const { types } = require(typings);
  const options = ['--noEmit', '--allowJs', '--checkJs', '--strict', '--skipLibCheck', '--target', 'es2020', '--lib', 'es2020'];
  const compiler = [require.resolve('typescript/bin/tsc'), ...options, '--module', 'commonjs', '--moduleResolution', 'node10'];
  const inputs = [path.join(path.dirname(typings), types), ...sources.map((file) => path.join(APP, file))];
  try {
    execFileSync(process.execPath, [...compiler, ...inputs], { cwd: APP, encoding: 'utf8' });
  } catch (error) {
    assert.fail(error.stdout);
  }
});
