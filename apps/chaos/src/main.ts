/** The chaos controller's process. */
import { runService } from '@ballast/service';
import { buildApp } from './app.ts';
import { readConfig } from './config.ts';

await runService({ name: 'chaos', readConfig, build: buildApp });
