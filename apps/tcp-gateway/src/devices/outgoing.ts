/**
 * What a device is sent. Lines that answer one piece of input leave with one system call. What the device has not read is
 * bounded: above the limit `stalledSince` says so, the socket is paused, and its owner takes no more input.
 */
import type { Socket } from 'node:net';
import type { GatewayFrame } from '@ballast/contracts';
import { lineOf } from '../domain/frames.ts';

export class Outgoing {
  readonly #socket: Socket;
  readonly #limit: number;
  #gathered: string | undefined;
  /** Since when the device has not read what it was sent, in ms of the steady clock; 0: it has. */
  stalledSince = 0;

  /** `limit`: bytes that may wait for the device. */
  constructor(socket: Socket, limit: number) {
    this.#socket = socket;
    this.#limit = limit;
  }

  /** Sends a frame, or keeps it until `release`; answers whether the device has stalled by it. */
  say(frame: GatewayFrame): boolean {
    if (this.#gathered === undefined) return this.#write(lineOf(frame));
    this.#gathered += lineOf(frame);
    return false;
  }

  /** From now on frames are kept. */
  gather(): void {
    this.#gathered = '';
  }

  /** Sends what was kept; answers whether the device has stalled by it. */
  release(): boolean {
    const gathered = this.#gathered ?? '';
    this.#gathered = undefined;
    return gathered !== '' && this.#write(gathered);
  }

  /** The last frame, after what was kept, and the end of the stream. What the device still sends is read on. */
  finish(frame: GatewayFrame): void {
    this.stalledSince = 0;
    const gathered = this.#gathered ?? '';
    if (this.#gathered !== undefined) this.#gathered = '';
    if (!this.#socket.writable) return;
    this.#socket.end(gathered + lineOf(frame));
    this.#socket.resume();
  }

  #write(text: string): boolean {
    if (!this.#socket.writable) return false;
    this.#socket.write(text);
    if (this.#socket.writableLength <= this.#limit || this.stalledSince !== 0) return false;
    this.stalledSince = performance.now();
    this.#socket.pause();
    return true;
  }
}
