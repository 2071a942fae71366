/** What `/metrics-view` shows of an answer: text, lines, colours and arcs. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PanelData } from '@ballast/contracts';
import { metricsAccess } from '../src/metrics/access.ts';
import { mostSlices, slicesOf } from '../src/metrics/donut.ts';
import { createPlaces, distinctLooks, grounds, lookOf, palette } from '../src/metrics/looks.ts';
import { formatMarks } from '../src/metrics/moments.ts';
import { metricsAddress, metricsRanges, readRange } from '../src/metrics/ranges.ts';
import { momentIndex, momentWords } from '../src/metrics/reading.ts';
import { chartData, inLane, summarize } from '../src/metrics/series.ts';
import { formatValue, upperEnd, wholeSteps } from '../src/metrics/units.ts';
import { matchPath } from '../src/paths.ts';

const panel: PanelData['panel'] = {
  id: 'p',
  board: 'mesh',
  title: 'Requests a second',
  kind: 'timeseries',
  unit: 'perSecond',
  expr: 'x',
  legend: '{{service}}',
};

function answer(series: PanelData['series'], more: Partial<PanelData['panel']> = {}): PanelData {
  return { panel: { ...panel, ...more }, from: 100, to: 115, step: 5, series, omitted: 0 };
}

describe('a value', () => {
  it('is told in its unit', () => {
    const told = [
      formatValue(0, 'count'),
      formatValue(1_204, 'count'),
      formatValue(2.5, 'count'),
      formatValue(12_345_678, 'count'),
      formatValue(0, 'perSecond'),
      formatValue(12.345, 'perSecond'),
      formatValue(0.00004, 'perSecond'),
      formatValue(12_345.6, 'perSecond'),
      formatValue(0, 'seconds'),
      formatValue(0.00342, 'seconds'),
      formatValue(0.25, 'seconds'),
      formatValue(75, 'seconds'),
      formatValue(0, 'share'),
      formatValue(0.0004, 'share'),
      formatValue(0.1234, 'share'),
      formatValue(1, 'share'),
    ];
    assert.deepEqual(told, [
      '0',
      '1,204',
      '2.5',
      '12.35 M',
      '0 /s',
      '12.3 /s',
      '< 0.001 /s',
      '12,346 /s',
      '0 ms',
      '3.42 ms',
      '250 ms',
      '1 min 15 s',
      '0 %',
      '< 0.1 %',
      '12.3 %',
      '100 %',
    ]);
  });

  it('of a state is its name, and a number where the state has none', () => {
    const states = ['closed', 'half-open', 'open'];
    assert.deepEqual(
      [0, 2, 3, 0.5].map((value) => formatValue(value, 'state', states)),
      ['closed', 'open', '3', '0.5'],
    );
  });

  it('that was not measured is neither nothing nor zero', () => {
    for (const unit of ['count', 'perSecond', 'seconds', 'share', 'state'] as const)
      assert.equal(formatValue(null, unit, ['holds']), '—', unit);
  });
});

describe('an axis', () => {
  it('begins at nothing, leaves air above, and has a height also where all is nothing', () => {
    assert.equal(upperEnd(100, 'count'), 110.00000000000001);
    assert.equal(upperEnd(0, 'count'), 1);
    assert.equal(upperEnd(null, 'seconds'), 0.01);
    assert.equal(upperEnd(0, 'share'), 0.01);
    assert.equal(upperEnd(1, 'share'), 1.02);
  });

  it('of counts has whole steps only', () => {
    assert.deepEqual(wholeSteps.slice(0, 5), [1, 2, 5, 10, 20]);
    assert.ok(wholeSteps.every((step) => Number.isSafeInteger(step)));
  });

  it('of time shows seconds only where minutes would repeat themselves', () => {
    assert.deepEqual(
      formatMarks([0, 30]).map((mark) => mark.length),
      [8, 8],
    );
    assert.deepEqual(
      formatMarks([0, 60]).map((mark) => mark.length),
      [5, 5],
    );
  });
});

describe('series', () => {
  it('share one axis of time; what was not measured is a gap', () => {
    const { times, series } = chartData(
      answer([
        {
          labels: { service: 'bff' },
          points: [
            [100, 1],
            [105, null],
            [110, 3],
            [115, 4],
          ],
        },
        { labels: { service: 'catalog' }, points: [[110, 7]] },
      ]),
    );
    assert.deepEqual(times, [100, 105, 110, 115]);
    assert.deepEqual(series, [
      { name: 'bff', values: [1, null, 3, 4] },
      { name: 'catalog', values: [null, null, 7, null] },
    ]);
  });

  it('keep names of their own where the legend gives them one', () => {
    const { series } = chartData(
      answer([
        { labels: { service: 'bff', instance: 'a' }, points: [] },
        { labels: { service: 'bff', instance: 'b' }, points: [] },
        { labels: { service: 'catalog' }, points: [] },
      ]),
    );
    assert.deepEqual(
      series.map(({ name }) => name),
      ['bff (service=bff, instance=a)', 'bff (service=bff, instance=b)', 'catalog'],
    );
  });

  it('that have ended are not told as current', () => {
    const times = [100, 105, 110];
    const ended = { name: 'x', values: [4, 2, null] };
    assert.deepEqual(summarize(ended, times), { latest: 2, at: 105, isCurrent: false, lowest: 2, highest: 4 });
    const never = { name: 'x', values: [null, null, null] };
    assert.deepEqual(summarize(never, times), {
      latest: null,
      at: null,
      isCurrent: false,
      lowest: null,
      highest: null,
    });
    assert.equal(summarize({ name: 'x', values: [0, 0, 0] }, times).isCurrent, true);
  });

  it('of states each have a lane, within the band of their state and in their order', () => {
    const lanes = Array.from({ length: 12 }, (_, lane) => inLane(1, lane, 12)!);
    assert.deepEqual(
      lanes,
      lanes.toSorted((left, right) => right - left),
    );
    assert.equal(new Set(lanes).size, 12);
    assert.ok(lanes.every((height) => height > 0.5 && height < 1.5));
    assert.equal(inLane(null, 0, 12), null);
    assert.equal(inLane(2, 0, 1), 2);
  });
});

describe('reading a chart by keys', () => {
  it('moves through time and stays within it', () => {
    assert.equal(momentIndex('ArrowLeft', null, 10), 9);
    assert.equal(momentIndex('ArrowRight', null, 10), 10);
    assert.equal(momentIndex('ArrowLeft', 0, 10), 0);
    assert.equal(momentIndex('Home', 7, 10), 0);
    assert.equal(momentIndex('End', 2, 10), 10);
    assert.equal(momentIndex('PageDown', 10, 100), 0);
    for (const key of ['Tab', 'Escape', 'a', 'Enter']) assert.equal(momentIndex(key, 5, 10), null, key);
  });

  it('says the values of a moment, but not every refresh of the latest', () => {
    const many = Array.from({ length: 10 }, (_, index) => ({
      labels: { service: `s${index}` },
      points: [[100, index]] as [number, number][],
    }));
    const chart = chartData(answer(many));
    assert.match(momentWords(panel, chart, 0), /: s0 0 \/s, s1 1 \/s, .*s7 7 \/s, and 2 more$/);
    const later = chartData(answer(many.map(({ labels }) => ({ labels, points: [[115, 99]] }))));
    assert.equal(momentWords(panel, chart, null), momentWords(panel, later, null));
  });
});

describe('colours', () => {
  /** Relative luminance (WCAG 2.2). */
  const luminance = (colour: string): number => {
    const [red, green, blue] = [1, 3, 5].map((at) => {
      const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
  };
  const contrast = (left: string, right: string): number => {
    const [light, dark] = [luminance(left), luminance(right)].toSorted((a, b) => b - a);
    return (light! + 0.05) / (dark! + 0.05);
  };

  it('stand out from the ground, in light and in dark', () => {
    for (const scheme of ['light', 'dark'] as const)
      for (const colour of palette[scheme])
        assert.ok(contrast(colour, grounds[scheme]) >= 4.5, `${colour}: ${contrast(colour, grounds[scheme])}`);
    assert.equal(palette.light.length, palette.dark.length);
  });

  it('and dashes make as many looks as are promised', () => {
    for (const scheme of ['light', 'dark'] as const) {
      const looks = Array.from({ length: distinctLooks }, (_, slot) => JSON.stringify(lookOf(slot, scheme)));
      assert.equal(new Set(looks).size, distinctLooks);
    }
    assert.deepEqual(lookOf(0, 'light').dash, []);
    assert.notDeepEqual(lookOf(4, 'light').dash, []);
  });

  it('stay with a name whoever comes or goes, and memory stays bounded', () => {
    const places = createPlaces(3);
    assert.deepEqual(
      ['bff', 'catalog', 'bff', 'claims'].map((name) => places.of(name)),
      [0, 1, 0, 2],
    );
    assert.equal(places.of('payments'), 0);
    assert.equal(places.of('payments'), 0);
  });
});

describe('a ring', () => {
  it('is made of shares, largest first, that make a whole', () => {
    const { total, slices } = slicesOf([
      { name: 'b', value: 1 },
      { name: 'a', value: 3 },
      { name: 'none', value: 0 },
      { name: 'unknown', value: null },
    ]);
    assert.equal(total, 4);
    assert.deepEqual(
      slices.map(({ name, share }) => [name, share]),
      [
        ['a', 0.75],
        ['b', 0.25],
      ],
    );
    // Three quarters from the top, clockwise: a large arc that ends at the left.
    assert.equal(slices[0]!.path, 'M0 -50A50 50 0 1 1 -50 0L-30 0A30 30 0 1 0 0 -30Z');
    assert.equal(slices[1]!.path, 'M-50 0A50 50 0 0 1 0 -50L0 -30A30 30 0 0 0 -30 0Z');
  });

  it('of one share goes all the way round', () => {
    const { slices } = slicesOf([{ name: 'only', value: 7 }]);
    assert.equal(slices.length, 1);
    assert.equal(slices[0]!.path.match(/M/g)?.length, 2);
    assert.match(slices[0]!.path, /^M0 -50A50 50 0 0 1 0 50/);
  });

  it('puts together what is small, and forgets no name', () => {
    const entries = Array.from({ length: 12 }, (_, index) => ({ name: `r${index}`, value: 12 - index }));
    const { total, slices } = slicesOf(entries);
    assert.equal(slices.length, mostSlices);
    assert.equal(slices.at(-1)!.name, '5 others');
    assert.deepEqual(
      slices.flatMap(({ names }) => names),
      entries.map(({ name }) => name),
    );
    assert.equal(
      slices.reduce((sum, { value }) => sum + value, 0),
      total,
    );
  });

  it('of nothing has no slices', () => {
    assert.deepEqual(slicesOf([{ name: 'a', value: 0 }]), { total: 0, slices: [] });
    assert.deepEqual(slicesOf([]), { total: 0, slices: [] });
  });
});

describe('the address', () => {
  it('carries the range there and back', () => {
    for (const minutes of metricsRanges) {
      const [path, search = ''] = metricsAddress(minutes).split('?');
      const place = matchPath(path!, search);
      assert.equal(place.page === 'metrics' && place.minutes, minutes);
    }
  });

  it('means a quarter of an hour where it says anything else', () => {
    for (const text of [null, '', '7', '1e9', '-5', '5.0', 'x']) assert.equal(readRange(text), 15, String(text));
  });
});

describe('the page', () => {
  it('is for operators, in lab mode or not', () => {
    const user = (...roles: string[]) => ({ userId: '1', email: 'a@b.test', roles }) as never;
    for (const lab of [true, false]) {
      assert.deepEqual(metricsAccess({ status: 'known', user: user('operator'), lab }), { allowed: true });
      assert.deepEqual(metricsAccess({ status: 'known', user: user('customer'), lab }), {
        allowed: false,
        why: 'not-operator',
      });
      assert.deepEqual(metricsAccess({ status: 'known', user: null, lab }), { allowed: false, why: 'signed-out' });
      assert.deepEqual(metricsAccess({ status: 'unknown', user: null, lab }), { allowed: false, why: 'asking' });
    }
  });
});
