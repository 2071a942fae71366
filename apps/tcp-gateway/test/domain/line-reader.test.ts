/** Lines out of bytes, however they are split. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededIntegers } from '@ballast/testing';
import { LineReader, tooLong } from '../../src/domain/line-reader.ts';

/** Everything a reader makes of these pieces; lines as text. */
function linesOf(reader: LineReader, pieces: readonly Buffer[]): (string | typeof tooLong)[] {
  const lines: (string | typeof tooLong)[] = [];
  for (const piece of pieces) {
    reader.push(piece);
    for (let line = reader.next(); line !== undefined; line = reader.next()) {
      lines.push(line === tooLong ? line : line.toString());
      if (line === tooLong) return lines;
    }
  }
  return lines;
}

function split(bytes: Buffer, largest: number, integer: (limit: number) => number): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const size = 1 + integer(largest);
    pieces.push(Buffer.from(bytes.subarray(at, at + size)));
    at += size;
  }
  return pieces;
}

describe('a line reader', () => {
  it('finds the same lines in whatever pieces the bytes come', () => {
    const integer = seededIntegers(7);
    const expected = Array.from({ length: 40 }, (_, index) => 'ü'.repeat(integer(300)) + index);
    const bytes = Buffer.from(expected.map((line, index) => line + (index % 2 === 0 ? '\n' : '\r\n')).join(''));
    for (const largest of [1, 2, 3, 7, 64, 1_000, 100_000]) {
      assert.deepEqual(linesOf(new LineReader(65_536), split(bytes, largest, integer)), expected);
    }
  });

  it('takes off one carriage return only, and knows empty lines', () => {
    assert.deepEqual(linesOf(new LineReader(100), [Buffer.from('a\r\r\n\n\r\nb\rc\n')]), ['a\r', '', '', 'b\rc']);
  });

  it('counts the end of a line in, and breaks off at the first byte too many', () => {
    for (const largest of [1, 10, 64]) {
      const integer = seededIntegers(largest);
      const fits = Buffer.from(`${'x'.repeat(63)}\n`);
      assert.deepEqual(linesOf(new LineReader(64), split(fits, largest, integer)), ['x'.repeat(63)]);
      const large = Buffer.from(`${'x'.repeat(64)}\n`);
      assert.deepEqual(linesOf(new LineReader(64), split(large, largest, integer)), [tooLong]);
      assert.deepEqual(linesOf(new LineReader(64), split(large.subarray(0, 64), largest, integer)), [tooLong]);
    }
  });

  it('stays broken off, and holds nothing then', () => {
    const reader = new LineReader(64);
    assert.deepEqual(linesOf(reader, [Buffer.alloc(200, 0x78)]), [tooLong]);
    reader.push(Buffer.from('fine\n'));
    assert.equal(reader.next(), tooLong);
    assert.equal(reader.held, 0);
  });

  it('hands out the lines before the one that is too long', () => {
    const bytes = Buffer.from(`one\ntwo\n${'x'.repeat(100)}\nthree\n`);
    assert.deepEqual(linesOf(new LineReader(64), [bytes]), ['one', 'two', tooLong]);
  });

  it('holds no more than the limit for a line that does not end, and nothing between lines', () => {
    const reader = new LineReader(65_536);
    for (let count = 0; count < 65_535; count += 1) {
      reader.push(Buffer.from('x'));
      assert.equal(reader.next(), undefined);
      assert.ok(reader.held <= 65_536);
    }
    reader.push(Buffer.from('\n'));
    assert.equal((reader.next() as Buffer).length, 65_535);
    assert.equal(reader.held, 0);
  });

  it('copies a byte a bounded number of times, however small the pieces are', () => {
    // Copying all of what is there for each piece would be two thousand million bytes here, and take seconds.
    const began = process.cpuUsage();
    const piece = Buffer.from('x');
    const reader = new LineReader(65_536);
    for (let count = 0; count < 65_535; count += 1) {
      reader.push(piece);
      reader.next();
    }
    const { user, system } = process.cpuUsage(began);
    assert.ok(user + system < 1_000_000, `${user + system} µs`);
  });

  it('goes on where it was when a piece comes before the last one was read', () => {
    const reader = new LineReader(64);
    reader.push(Buffer.from('one\ntw'));
    assert.equal(String(reader.next()), 'one');
    reader.push(Buffer.from('o\nthree\n'));
    assert.deepEqual([String(reader.next()), String(reader.next()), reader.next()], ['two', 'three', undefined]);
  });
});
