/** Pictures of the category "Light": drawn at dusk, each with its own light. */
import { darken, lighten } from './sheet.ts';
import { circle, ellipse, glow, group, line, material, path, rect, repeat, ring, screw, shine } from './shapes.ts';
import { hanging, lying, standing, type Picture } from './stage.ts';

const warm = '#ffd27a';
const flame = (sheet: Parameters<Picture['draw']>[0], x: number, y: number, size: number): string =>
  group(
    `translate(${x} ${y}) scale(${size})`,
    path('M0-44C20-16 24 0 18 14A20 20 0 0 1-18 14C-24 0-8-16 0-44z', sheet.down('#ffb13d', '#ffe9a8')),
    path('M0-14C8 0 10 8 6 16A7 7 0 0 1-6 16C-10 8-4 0 0-14z', '#fffbe6'),
  );

const stormLantern = standing(320, 105, (sheet) => {
  const red = material.red;
  return (
    glow(sheet, 320, 236, 230, warm) +
    line('M232 190C200 60 440 60 408 190', material.steel, 6) +
    line('M232 350V176C232 140 270 130 290 128', red, 15) +
    line('M408 350V176C408 140 370 130 350 128', darken(red, 0.2), 15) +
    path(
      'M262 168C244 200 240 250 262 300H378C400 250 396 200 378 168z',
      sheet.out('#fff4c9', '#ffd98acc', '#ffffff55'),
      { stroke: '#f3e7c4', 'stroke-width': 3 },
    ) +
    flame(sheet, 320, 262, 1.15) +
    line('M246 196C290 214 350 214 394 196M246 272C290 256 350 256 394 272', material.steel, 4) +
    shine('M266 190C256 220 256 250 266 280', 6) +
    path('M286 98H354L380 168H260z', sheet.round(red)) +
    rect(296, 80, 48, 22, sheet.round(darken(red, 0.15)), 6) +
    rect(264, 298, 112, 22, sheet.round(material.steel), 5) +
    path('M240 320H400L420 374C420 402 220 402 220 374z', sheet.round(red)) +
    circle(396, 346, 13, sheet.ball(material.steel)) +
    line('M392 310H424', material.steel, 6)
  );
});

const bulkheadLight = hanging((sheet) => {
  const brass = material.brass;
  return (
    glow(sheet, 320, 236, 250, warm) +
    circle(320, 236, 164, sheet.ball(brass)) +
    circle(320, 236, 138, darken(brass, 0.4)) +
    circle(320, 236, 128, sheet.out('#fffbe8', '#ffe6a6', '#f0b95a')) +
    line(ring(320, 236, 66, 128), brass, 12) +
    line('M192 236H448M320 108V364', lighten(brass, 0.15), 12) +
    line(ring(320, 236, 66, 128), lighten(brass, 0.4), 3) +
    circle(320, 236, 20, sheet.ball(brass)) +
    [
      [204, 120],
      [436, 120],
      [204, 352],
      [436, 352],
    ]
      .map(([x = 0, y = 0]) => circle(x, y, 21, sheet.ball(brass)) + screw(sheet, x, y, 11, material.steel))
      .join('') +
    shine('M196 190A136 136 0 0 1 270 106', 8)
  );
});

const headTorch = lying((sheet) => {
  const band = '#5a6f86';
  const strap = 'M250 250C130 250 90 130 200 96C300 66 470 78 520 150C560 216 500 270 396 262';
  return (
    line(strap, darken(band, 0.5), 46) +
    line(strap, band, 40) +
    line(strap, material.red, 9, { 'stroke-dasharray': '34 16', 'stroke-linecap': 'butt' }) +
    glow(sheet, 320, 300, 150, '#ff8a70') +
    rect(228, 214, 190, 156, sheet.lit('#2c333d'), 34) +
    rect(228, 214, 190, 156, 'none', 34, { stroke: '#6d7a89', 'stroke-width': 3 }) +
    circle(300, 292, 56, sheet.ball(material.steel)) +
    circle(300, 292, 45, sheet.out('#fffef2', '#f4f6ea', '#b9c6d0')) +
    circle(300, 292, 14, '#fffbd0') +
    circle(384, 266, 18, sheet.out('#ffd0c4', '#f2553d', '#8d1f16')) +
    circle(384, 316, 18, sheet.out('#ffd0c4', '#f2553d', '#8d1f16')) +
    rect(286, 204, 60, 16, sheet.roll(material.red), 7) +
    shine('M244 250C244 236 252 230 264 228', 6)
  );
});

const deckCandles = standing(320, 180, (sheet) => {
  const wax = '#e0a93f';
  const candle = (x: number, top: number, width: number): string =>
    glow(sheet, x, top - 36, 100, warm) +
    rect(x - width / 2, top, width, 388 - top, sheet.round(wax), 4) +
    ellipse(x, 388, width / 2, 9, darken(wax, 0.25)) +
    repeat(Math.floor((330 - top) / 40), (index) =>
      line(`M${x - width / 2 + 3} ${top + 46 + index * 40}l${width - 6} -18`, darken(wax, 0.2), 2, {
        'stroke-opacity': 0.5,
      }),
    ) +
    ellipse(x, top, width / 2, 10, lighten(wax, 0.3)) +
    line(`M${x} ${top + 2}v-16`, '#40311c', 4) +
    flame(sheet, x, top - 32, 0.75);
  return (
    candle(220, 236, 70) +
    candle(318, 160, 74) +
    candle(420, 266, 74) +
    path('M183 330H457V366H183z', '#f2e6cb', { opacity: 0.95 }) +
    line('M183 348H457', material.hemp, 8, {
      'stroke-dasharray': '10 3',
      'stroke-linecap': 'butt',
    }) +
    path('M306 346l-30-22c-12 16-8 34 30 24zM334 346l30-22c12 16 8 34-30 24z', material.hemp) +
    circle(320, 347, 11, darken(material.hemp, 0.2))
  );
});

const handTorch = lying((sheet) =>
  group(
    'rotate(-24 320 240)',
    path('M506 176L700 90V390L506 304z', sheet.across('#fff1b8cc', '#fff1b800')),
    rect(116, 206, 270, 68, sheet.roll('#3a424d'), 16),
    repeat(11, (index) => rect(146 + index * 16, 206, 8, 68, sheet.roll('#262c35'))),
    rect(334, 200, 54, 80, sheet.roll('#4b5562'), 6),
    ellipse(360, 214, 16, 8, material.red),
    path('M386 204L446 176H498V304H446L386 276z', sheet.roll('#3a424d')),
    rect(470, 172, 34, 136, sheet.roll(material.brass), 6),
    ellipse(504, 240, 14, 64, sheet.out('#ffffff', '#fff3c4', '#ffd97d')),
    rect(104, 214, 20, 52, sheet.roll(material.brass), 6),
    line('M108 240C60 230 50 300 96 330C130 350 150 330 140 310', material.red, 7),
  ),
);

const anchorLight = standing(320, 110, (sheet) => {
  const black = '#343c47';
  return (
    glow(sheet, 320, 240, 240, '#fff3cf') +
    path('M214 372H426V386C426 404 214 404 214 386z', sheet.round(black)) +
    rect(236, 322, 168, 54, sheet.round(black), 8) +
    rect(250, 168, 140, 158, sheet.across('#c9b98a', '#fffdf0', '#fff6d4', '#e9d9a4', '#a3946a'), 6) +
    repeat(9, (index) =>
      line(`M252 ${182 + index * 16}H388`, index === 4 ? '#ffffff' : '#b8a878', index === 4 ? 9 : 3, {
        'stroke-opacity': 0.75,
      }),
    ) +
    glow(sheet, 320, 247, 70, '#ffffff') +
    path('M236 170C236 120 404 120 404 170z', sheet.round(black)) +
    rect(230, 162, 180, 14, sheet.round(lighten(black, 0.15)), 5) +
    path('M310 128V92A10 10 0 0 1 330 92V128z', sheet.round(black)) +
    circle(252, 350, 7, material.steel) +
    circle(388, 350, 7, material.steel) +
    line('M426 388C480 390 480 420 540 418', '#222830', 10)
  );
});

const festoonLights = hanging((sheet) => {
  const bulbs: readonly (readonly [number, number])[] = [
    [92, 150],
    [206, 206],
    [320, 226],
    [434, 206],
    [548, 150],
  ];
  return (
    line('M0 84C180 220 460 220 640 84', '#1d242e', 9) +
    bulbs
      .map(
        ([x, y]) =>
          glow(sheet, x, y + 62, 110, warm) +
          rect(x - 17, y - 18, 34, 42, sheet.round('#2b323c'), 7) +
          path(
            `M${x - 14} ${y + 22}C${x - 44} ${y + 52} ${x - 40} ${y + 108} ${x} ${y + 110}C${x + 40} ${y + 108} ${x + 44} ${y + 52} ${x + 14} ${y + 22}z`,
            sheet.out('#fffdf0', '#ffe29a', '#f1b24a'),
          ) +
          line(`M${x - 10} ${y + 32}l5 34l5-14l5 14l5-34`, '#d9822b', 3) +
          shine(`M${x - 24} ${y + 62}c-4 14 0 24 8 32`, 5, 0.8),
      )
      .join('')
  );
});

const chartTableLamp = standing(280, 120, (sheet) => {
  const brass = material.brass;
  const neck = 'M262 366C240 240 250 120 340 108C372 104 396 118 412 140';
  return (
    path('M376 196L500 174L610 366H330z', sheet.down('#ffe9adaa', '#ffe9ad22')) +
    line(neck, darken(brass, 0.5), 17) +
    line(neck, brass, 13) +
    line(neck, lighten(brass, 0.35), 11, { 'stroke-dasharray': '3 6', 'stroke-linecap': 'butt' }) +
    path('M176 376C176 350 348 350 348 376V386C348 404 176 404 176 386z', sheet.round(brass)) +
    rect(242, 342, 40, 20, sheet.round(darken(brass, 0.1)), 5) +
    circle(318, 372, 9, sheet.ball(material.red)) +
    group(
      'rotate(-20 430 170)',
      ellipse(430, 196, 70, 16, '#fff4cc'),
      path('M404 112H456L502 196C480 180 380 180 358 196z', sheet.round('#2f5d50')),
      rect(406, 96, 48, 22, sheet.round(brass), 6),
    ) +
    glow(sheet, 440, 206, 70, warm)
  );
});

/** By slug. */
export const lampPictures: Readonly<Record<string, Picture>> = {
  'paraffin-storm-lantern': stormLantern,
  'brass-bulkhead-light': bulkheadLight,
  'red-beam-head-torch': headTorch,
  'beeswax-deck-candles': deckCandles,
  'machined-hand-torch': handTorch,
  'all-round-anchor-light': anchorLight,
  'festoon-deck-lights': festoonLights,
  'chart-table-lamp': chartTableLamp,
};
