/** The analytics process. */
import { runService } from '@ballast/service';
import { buildApp } from './app.ts';
import { readConfig } from './config.ts';

await runService({ name: 'analytics', readConfig, build: (context) => buildApp(context) });
