/** The tcp-gateway process. */
import { runService } from '@ballast/service';
import { buildApp } from './app.ts';
import { readConfig } from './config.ts';

await runService({ name: 'tcp-gateway', readConfig, build: buildApp });
