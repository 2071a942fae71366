/** The auditor process. */
import { runService } from '@ballast/service';
import { buildApp } from './app.ts';
import { readConfig } from './config.ts';

await runService({ name: 'auditor', readConfig, build: buildApp });
