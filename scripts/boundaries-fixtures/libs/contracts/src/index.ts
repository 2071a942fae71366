import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { randomUUID } from 'node:crypto'; // planted: contracts import themselves and typebox; the browser imports contracts only
import fastify from 'fastify'; // planted: contracts import themselves and typebox

export { Type, Compile, randomUUID, fastify };
