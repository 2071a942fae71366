/** Pictures of the category "Navigation". */
import { darken, lighten } from './sheet.ts';
import { circle, group, line, material, path, rect, repeat, screw, shine } from './shapes.ts';
import { hanging, lying, standing, type Picture } from './stage.ts';

/** Marks around a dial: every `major`th one longer. */
const marks = (cx: number, cy: number, radius: number, count: number, major: number, colour: string): string =>
  repeat(count, (index) => {
    const turn = (index / count) * 2 * Math.PI;
    const inner = radius - (index % major === 0 ? 16 : 8);
    const at = (length: number): string =>
      `${(cx + Math.sin(turn) * length).toFixed(0)} ${(cy - Math.cos(turn) * length).toFixed(0)}`;
    return `M${at(inner)}L${at(radius)}`;
  }).replace(/^/, `<path stroke="${colour}" stroke-width="4" d="`) + '"/>';

const star = (length: number, wide: number): string =>
  `M0-${length}L${wide}-${wide}L0 0zM0 ${length}L-${wide} ${wide}L0 0z`;

const compass = standing(320, 165, (sheet) => {
  const brass = material.brass;
  return (
    path(
      'M152 250C140 330 180 372 226 384H414C460 372 500 330 488 250L462 250C462 320 430 344 400 350H240C210 344 178 320 178 250z',
      sheet.round(material.black),
    ) +
    path('M216 376H424L446 398H194z', sheet.round(material.black)) +
    circle(320, 220, 148, sheet.ball(brass)) +
    circle(320, 220, 124, '#11202f') +
    circle(320, 220, 118, sheet.out('#f7f2e2', '#efe7cf', '#d5c9a6')) +
    marks(320, 220, 112, 32, 4, '#22313f') +
    group(
      'translate(320 220) rotate(20)',
      group('rotate(45)', path(star(66, 14), '#8a9aa8'), group('rotate(90)', path(star(66, 14), '#8a9aa8'))),
      group('rotate(90)', path(star(88, 17), '#22313f')),
      path('M0-92L18-18L0 0L-18-18z', material.red),
      path('M0 92L18 18L0 0L-18 18z', '#22313f'),
    ) +
    circle(320, 220, 12, sheet.ball(brass)) +
    line('M320 98V120', material.red, 7) +
    shine('M224 176A106 106 0 0 1 290 118', 12, 0.5) +
    circle(166, 246, 19, sheet.ball(brass)) +
    circle(474, 246, 19, sheet.ball(brass))
  );
});

const dividers = lying((sheet) => {
  const brass = material.brass;
  return (
    line('M90 396C200 360 300 420 420 388C500 366 560 386 600 372M60 320C160 290 240 330 330 306', '#8fb0c0', 3) +
    line('M196 414L438 414', material.red, 4, { 'stroke-dasharray': '14 8' }) +
    path(
      'M300 116C240 120 236 190 256 232L214 330L190 414L226 338L276 250C296 230 318 200 318 150z',
      sheet.across(lighten(brass, 0.3), darken(brass, 0.2)),
    ) +
    path(
      'M340 116C400 120 404 190 384 232L426 330L444 414L414 338L364 250C344 230 322 200 322 150z',
      sheet.across(brass, darken(brass, 0.35)),
    ) +
    path('M216 326L190 414L230 332zM424 326L444 414L410 332z', sheet.round(material.steel)) +
    circle(320, 134, 46, sheet.ball(brass)) +
    screw(sheet, 320, 134, 17, material.steel) +
    rect(308, 54, 24, 44, sheet.round(brass), 8) +
    shine('M264 150C254 180 258 206 268 226', 6)
  );
});

const parallelRule = lying((sheet) => {
  const plate = (y: number): string =>
    rect(60, y, 500, 76, '#f3eddb', 6, { stroke: '#9c8f6c', 'stroke-width': 3 }) +
    repeat(32, (index) => `M${80 + index * 15} ${y + 4}v${index % 4 === 0 ? 22 : 12}`).replace(
      /^/,
      '<path stroke="#3b4652" stroke-width="2" d="',
    ) +
    '"/>' +
    circle(310, y + 48, 15, 'none', { stroke: '#9c8f6c', 'stroke-width': 3 }) +
    rect(62, y + 66, 496, 8, '#d9cda8');
  const link = (x: number): string =>
    line(`M${x} 170L${x + 84} 310`, darken(material.brass, 0.4), 26) +
    line(`M${x} 170L${x + 84} 310`, material.brass, 21) +
    screw(sheet, x, 170, 13, lighten(material.brass, 0.2)) +
    screw(sheet, x + 84, 310, 13, lighten(material.brass, 0.2));
  return group('rotate(-9 320 240)', plate(126), group('translate(24 0)', plate(278)), link(140), link(420));
});

const binoculars = standing(320, 205, (sheet) => {
  const black = '#323a45';
  const barrel = (shift: number): string =>
    group(
      `translate(${shift} 0)`,
      path('M44 118H116L124 178L168 300V388C168 400 -8 400 -8 388V300L36 178z', sheet.round(black)),
      rect(32, 84, 96, 42, sheet.round(lighten(black, 0.1)), 10),
      rect(-14, 356, 188, 40, sheet.round(lighten(black, 0.08)), 12),
      rect(-8, 342, 176, 9, material.brass),
      repeat(4, (index) => line(`M38 ${96 + index * 7}h84`, darken(black, 0.4), 2)),
      shine('M34 210L12 310V344', 9, 0.25),
    );
  return (
    line('M150 180C60 200 60 340 118 410M490 180C580 200 580 340 522 410', material.leather, 11) +
    rect(262, 190, 116, 36, sheet.roll(lighten(black, 0.06)), 8) +
    rect(268, 288, 104, 30, sheet.roll(lighten(black, 0.06)), 8) +
    barrel(128) +
    barrel(352) +
    rect(296, 136, 48, 190, sheet.round(darken(black, 0.1)), 14) +
    rect(290, 148, 60, 44, sheet.round(material.brass), 6) +
    repeat(6, (index) => line(`M${298 + index * 9} 152v36`, darken(material.brass, 0.4), 2))
  );
});

const sextant = lying((sheet) => {
  const brass = material.brass;
  return (
    line('M320 84L146 360M320 84L494 360', darken(brass, 0.4), 25) +
    line('M320 84L146 360M320 84L494 360', brass, 19) +
    line('M216 250C260 276 380 276 424 250M320 262V390', brass, 13) +
    line('M130 346C230 420 410 420 510 346', darken(brass, 0.4), 47) +
    line('M130 346C230 420 410 420 510 346', lighten(brass, 0.18), 40) +
    line('M130 352C230 426 410 426 510 352', '#3c2f14', 12, {
      'stroke-dasharray': '2.5 7',
      'stroke-linecap': 'butt',
    }) +
    line('M320 92L392 400', darken(material.steel, 0.4), 23) +
    line('M320 92L392 400', lighten(material.steel, 0.2), 17) +
    rect(356, 376, 76, 44, sheet.roll(material.iron), 8, { transform: 'rotate(-12 394 398)' }) +
    circle(446, 396, 23, sheet.ball(brass)) +
    circle(320, 92, 25, sheet.ball(brass)) +
    rect(296, 46, 48, 52, sheet.across('#dcecf3', '#8fb0c0'), 4, {
      stroke: material.iron,
      'stroke-width': 5,
      transform: 'rotate(20 320 92)',
    }) +
    rect(160, 176, 60, 60, sheet.across('#dcecf3', '#8fb0c0'), 4, {
      stroke: material.iron,
      'stroke-width': 5,
    }) +
    rect(228, 150, 13, 54, '#b8473bcc', 4) +
    rect(248, 136, 13, 54, '#3f7a6ccc', 4) +
    group(
      'rotate(-4 460 210)',
      rect(390, 184, 130, 48, sheet.roll(material.iron), 6),
      rect(510, 176, 62, 64, sheet.roll(lighten(material.iron, 0.1)), 8),
      rect(384, 180, 16, 56, sheet.roll(brass), 4),
    ) +
    circle(320, 92, 9, material.steel)
  );
});

const barometer = hanging((sheet) => {
  const brass = material.brass;
  return (
    circle(320, 240, 184, sheet.ball(material.walnut)) +
    circle(320, 240, 152, sheet.ball(brass)) +
    circle(320, 240, 134, sheet.out('#fdf9ee', '#f6efdc', '#dfd3b4')) +
    path('M214 312A128 128 0 0 1 214 168L246 190A90 90 0 0 0 246 290z', '#7f9fb5', {
      opacity: 0.55,
    }) +
    path('M426 168A128 128 0 0 1 426 312L394 290A90 90 0 0 0 394 190z', '#e3b96a', {
      opacity: 0.6,
    }) +
    marks(320, 240, 126, 40, 5, '#2d3742') +
    path('M224 254c-8-14 10-24 18-14c10-12 26 2 18 14zM228 262l-4 12M242 262l-4 12', '#4b6478', {
      stroke: '#4b6478',
      'stroke-width': 3,
    }) +
    circle(398, 248, 11, '#d08f2a') +
    circle(320, 240, 46, 'none', { stroke: '#c9bb94', 'stroke-width': 3 }) +
    group(
      'rotate(48 320 240)',
      path('M314 268L317 138L320 122L323 138L326 268z', '#22313f'),
      circle(320, 276, 12, 'none', { stroke: '#22313f', 'stroke-width': 5 }),
    ) +
    group('rotate(24 320 240)', path('M318 262L319 132H321L322 262z', brass, { stroke: brass, 'stroke-width': 3 })) +
    circle(320, 240, 13, sheet.ball(brass)) +
    shine('M216 186A118 118 0 0 1 286 124', 12, 0.6) +
    circle(320, 70, 9, sheet.ball(brass))
  );
});

const shipsClock = standing(320, 175, (sheet) => {
  const brass = material.brass;
  return (
    path('M170 356H470L492 396H148z', sheet.round(material.walnut)) +
    rect(226, 338, 188, 24, sheet.round(darken(material.walnut, 0.15)), 4) +
    circle(320, 208, 152, sheet.ball(brass)) +
    repeat(8, (index) => {
      const turn = (index / 8) * 2 * Math.PI + 0.39;
      return circle(
        Math.round(320 + Math.cos(turn) * 138),
        Math.round(208 + Math.sin(turn) * 138),
        7,
        darken(brass, 0.35),
      );
    }) +
    circle(320, 208, 122, darken(brass, 0.45)) +
    circle(320, 208, 117, sheet.out('#ffffff', '#faf6ea', '#e2dac4')) +
    marks(320, 208, 110, 60, 5, '#22313f') +
    path('M315 216L305 146L320 126L335 146L325 216z', '#22313f', {
      transform: 'rotate(-58 320 208)',
    }) +
    path('M316 222L314 136L320 110L326 136L324 222z', '#22313f', {
      transform: 'rotate(62 320 208)',
    }) +
    line('M320 236V106', material.red, 3, { transform: 'rotate(190 320 208)' }) +
    circle(320, 208, 10, sheet.ball(brass)) +
    circle(320, 256, 7, darken(brass, 0.5)) +
    shine('M226 166A104 104 0 0 1 290 108', 10, 0.6) +
    rect(462, 196, 20, 26, sheet.roll(brass), 5)
  );
});

/** By slug. */
export const navigationPictures: Readonly<Record<string, Picture>> = {
  'bracket-steering-compass': compass,
  'brass-chart-dividers': dividers,
  'hinged-parallel-rule': parallelRule,
  'seven-by-fifty-binoculars': binoculars,
  'micrometer-drum-sextant': sextant,
  'aneroid-barometer': barometer,
  'eight-bells-ships-clock': shipsClock,
};
