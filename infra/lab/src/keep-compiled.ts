/**
 * Preloaded into every process of ours: writes what Node has compiled to NODE_COMPILE_CACHE once the process is up. By itself
 * Node does so at an orderly end only, which a process that is killed never reaches.
 */
import { flushCompileCache } from 'node:module';

const upAfter = 3000;

setTimeout(() => flushCompileCache(), upAfter).unref();
