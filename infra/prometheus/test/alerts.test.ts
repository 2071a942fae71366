/** The alert rules, judged by Prometheus's own promtool. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { findPrometheus, prometheusConfiguration } from '@ballast/lab';
import { parse, stringify } from 'yaml';

type Rule = { alert: string; expr: string; for?: string };
type Rules = { groups: { name: string; rules: Rule[] }[] };
type RuleTests = { tests: { alert_rule_test: { alertname: string; exp_alerts?: unknown[] }[] }[] };

const folder = join(import.meta.dirname, '..');
const alerts = join(folder, 'alerts.yml');
const alertTests = join(folder, 'alerts.test.yml');
const run = promisify(execFile);

describe('the alert rules', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'ballast-alerts-'));
  const rules = parse(readFileSync(alerts, 'utf8')) as Rules;
  const names = rules.groups.flatMap((group) => group.rules.map(({ alert }) => alert));
  let promtool: (...args: string[]) => Promise<string>;

  before(async () => {
    const found = await findPrometheus('promtool', 'the tests of the alert rules');
    promtool = async (...args) =>
      (await run(found.program, args, { cwd: scratch, env: found.environment, timeout: 30_000 })).stdout;
  });
  after(() => rmSync(scratch, { recursive: true, force: true }));

  it('are rules, in a configuration that Prometheus takes', async () => {
    assert.match(await promtool('check', 'rules', alerts), /SUCCESS/);
    const compose = join(folder, 'prometheus.yml');
    assert.match(await promtool('check', 'config', '--syntax-only', compose), /SUCCESS/);
    const lab = join(scratch, 'lab.yml');
    writeFileSync(lab, prometheusConfiguration([{ service: 'bff', instance: 'bff', address: '127.0.0.1:4000' }]));
    assert.match(await promtool('check', 'config', lab), /1 rule files found[\s\S]*SUCCESS/);
  });

  it('fire when they must and only then', async () => {
    assert.match(await promtool('test', 'rules', alertTests), /SUCCESS/);
  });

  it('each have a case in which they fire and one in which they do not', () => {
    const { tests } = parse(readFileSync(alertTests, 'utf8')) as RuleTests;
    const cases = tests.flatMap((test) => test.alert_rule_test);
    assert.ok(names.length > 0);
    for (const name of names) {
      const own = cases.filter(({ alertname }) => alertname === name);
      assert.ok(
        own.some(({ exp_alerts: expected = [] }) => expected.length > 0),
        `${name} fires`,
      );
      assert.ok(
        own.some(({ exp_alerts: expected = [] }) => expected.length === 0),
        `${name} does not fire`,
      );
    }
    assert.deepEqual(
      cases.map(({ alertname }) => alertname).filter((name) => !names.includes(name)),
      [],
    );
  });

  it('are seen to be wrong by those cases where they never fire, always do, or do not wait', async () => {
    copyFileSync(alertTests, join(scratch, 'alerts.test.yml'));
    const changes: ((rule: Rule) => Rule)[] = [
      (rule) => ({ ...rule, expr: `(${rule.expr}) and on () vector(1) > 1` }),
      (rule) => ({ ...rule, expr: 'vector(1)', for: '0s' }),
      (rule) => ({ ...rule, for: '0s' }),
    ];
    for (const [which, change] of changes.entries()) {
      const changed = structuredClone(rules);
      for (const group of changed.groups) group.rules = group.rules.map(change);
      writeFileSync(join(scratch, 'alerts.yml'), stringify(changed));
      const said = await complaints(promtool('test', 'rules', 'alerts.test.yml'));
      const waiting = which === 2 ? waitingAlerts(rules) : names;
      for (const name of waiting) assert.match(said, new RegExp(`alertname: ?${name}\\b`), `${name}, change ${which}`);
    }
  });
});

const waitingAlerts = (rules: Rules): string[] =>
  rules.groups.flatMap((group) => group.rules.filter((rule) => rule.for !== undefined).map(({ alert }) => alert));

/** What a command that must fail says. */
async function complaints(running: Promise<string>): Promise<string> {
  try {
    await running;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    return stdout + stderr;
  }
  return assert.fail('it succeeded');
}
