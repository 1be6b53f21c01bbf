'use strict';
// Aliases of merchant ids that do not fit into the scene of a mini-program code.
//
// An alias is a hash of the id, so that it is the same after a restart and in every process. A hash cannot be reversed: the ids
// that have codes are in a file, one JSON string per line. It grows by one line per printed code, and the alias is stored
// before the code exists, so that every code can be resolved.

const { createHash } = require('node:crypto');
const fs = require('node:fs/promises');

// 22 characters of base64url have 132 bits.
const LENGTH = 22;

/** Returns the alias of an id. Printed codes have it: it must never change. */
const aliasOf = (id) => createHash('sha256').update(`nearby-alias\0${id}`).digest('base64url').slice(0, LENGTH);

/** The aliases in a file, which processes can share. */
class Aliases {
  #file;
  #ids = new Map();
  #size = 0;
  #writing = Promise.resolve();

  constructor(file) {
    this.#file = file;
  }

  /** Reads the file; without one there are no aliases yet. Fails if the file cannot be read and appended to. */
  async open() {
    await (await fs.open(this.#file, 'a+')).close();
    await this.#load();
    return this;
  }

  /** Returns the alias of an id after storing it. */
  async add(id) {
    // One write at a time, also after one that failed.
    const written = this.#writing.catch(() => undefined).then(() => this.#append(id));
    this.#writing = written;
    await written;
    return aliasOf(id);
  }

  /** Returns the id of an alias; undefined if it has never been stored. */
  async idOf(alias) {
    // Another process can have added it.
    if (!this.#ids.has(alias) && (await fs.stat(this.#file)).size !== this.#size) await this.#load();
    return this.#ids.get(alias);
  }

  async #load() {
    const text = await fs.readFile(this.#file, 'utf8');
    for (const line of text.split('\n')) {
      const id = parse(line);
      if (id !== undefined) this.#ids.set(aliasOf(id), id);
    }
    this.#size = Buffer.byteLength(text);
  }

  async #append(id) {
    if (this.#ids.has(aliasOf(id))) return;
    const file = await fs.open(this.#file, 'a');
    try {
      // The line break in front ends a line that a crash has left incomplete.
      await file.appendFile(`\n${JSON.stringify(id)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    this.#ids.set(aliasOf(id), id);
  }
}

/** Returns the id on a line; undefined for an empty or incomplete line. */
function parse(line) {
  try {
    const id = JSON.parse(line);
    return typeof id === 'string' ? id : undefined;
  } catch {
    return undefined;
  }
}

module.exports = { Aliases, aliasOf };
