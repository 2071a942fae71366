/** Pictures of the category "Rope and rigging". */
import { darken, lighten } from './sheet.ts';
import { circle, ellipse, line, material, path, rect, repeat, ring, rope, screw, shine } from './shapes.ts';
import { hanging, lying, standing, type Picture } from './stage.ts';

const mooringLine = standing(320, 165, (sheet) => {
  const lay = (y: number): string => rope(ring(320, y, 138, 40), material.manila, 30);
  return (
    repeat(6, (index) => lay(350 - index * 25)) +
    ellipse(320, 225, 108, 25, sheet.down('#4d3d22', '#8a6f3f')) +
    rope('M212 236C300 262 420 262 428 236', material.manila, 28) +
    rope('M440 250C500 290 470 350 520 372C560 388 585 350 556 336C530 326 508 350 520 374', material.manila, 26) +
    line('M476 306L496 318', material.red, 8) +
    line('M480 290L499 301', material.red, 8)
  );
});

const halyard = hanging(() => {
  const white = '#eef1ee';
  const blue = '#3d6ea5';
  const turn = (rx: number): string => rope(ring(320, 272, rx, 142), white, 15, blue);
  return (
    rope('M306 150C292 60 348 60 334 150', white, 15, blue) +
    [96, 80, 63, 45, 26].map(turn).join('') +
    repeat(5, (index) =>
      rope(
        `M232 ${150 + index * 14}C280 ${162 + index * 14} 360 ${162 + index * 14} 408 ${150 + index * 14}`,
        white,
        15,
        blue,
      ),
    ) +
    rope('M408 206C440 230 452 300 438 372', white, 15, blue) +
    line('M438 366L437 384', material.red, 15, { 'stroke-linecap': 'butt' })
  );
});

const whippingTwine = standing(310, 120, (sheet) => {
  const tarred = '#6b4a2c';
  return (
    path('M200 360v18c0 26 220 26 220 0v-18z', sheet.round(material.beech)) +
    ellipse(310, 360, 110, 24, lighten(material.beech, 0.25)) +
    path('M230 150C222 220 222 300 230 362C260 378 360 378 390 362C398 300 398 220 390 150z', sheet.round(tarred)) +
    repeat(13, (index) =>
      line(
        `M228 ${166 + index * 15}C270 ${180 + index * 15} 350 ${180 + index * 15} 392 ${162 + index * 15}`,
        index % 3 === 0 ? lighten(tarred, 0.3) : darken(tarred, 0.35),
        3,
      ),
    ) +
    path('M200 130v18c0 26 220 26 220 0v-18z', sheet.round(material.beech)) +
    ellipse(310, 130, 110, 24, sheet.lit(lighten(material.beech, 0.25))) +
    ellipse(310, 130, 24, 7, darken(material.walnut, 0.35)) +
    line('M392 330C440 340 440 392 490 388C530 384 540 410 570 404', darken(tarred, 0.1), 5)
  );
});

const bowShackle = lying((sheet) => {
  const metal = material.bronze;
  const bow = 'M246 330V276C246 250 196 226 196 178A124 114 0 0 1 444 178C444 226 394 250 394 276V330';
  return (
    line(bow, darken(metal, 0.45), 44) +
    line(bow, sheet.round(metal), 38) +
    shine('M208 160A112 102 0 0 1 300 82', 7) +
    rect(176, 322, 290, 28, sheet.roll(lighten(metal, 0.1)), 6) +
    repeat(6, (index) => line(`M${186 + index * 7} 325l-3 22`, darken(metal, 0.4), 2)) +
    circle(246, 336, 34, sheet.ball(metal)) +
    circle(394, 336, 34, sheet.ball(metal)) +
    circle(482, 336, 28, sheet.ball(lighten(metal, 0.1))) +
    circle(482, 336, 11, darken(metal, 0.6))
  );
});

const singleBlock = hanging((sheet) => {
  const wood = material.ash;
  return (
    rope('M320 20C320 50 320 60 320 84', material.manila, 18) +
    rope('M262 320C262 380 258 420 262 476', material.manila, 22) +
    rope('M378 320C378 380 384 420 378 476', material.manila, 22) +
    line(ring(320, 96, 22, 24), material.brass, 11) +
    path(
      'M320 122C420 122 446 200 440 262C434 330 386 372 320 372C254 372 206 330 200 262C194 200 220 122 320 122z',
      sheet.across(darken(wood, 0.15), lighten(wood, 0.2), wood, darken(wood, 0.3)),
    ) +
    repeat(5, (index) =>
      line(
        `M${244 + index * 34} ${160 - (index % 2) * 14}C${236 + index * 36} 220 ${236 + index * 36} 280 ${246 + index * 34} ${334 + (index % 2) * 12}`,
        darken(wood, 0.3),
        2,
        { 'stroke-opacity': 0.4 },
      ),
    ) +
    path('M300 118H340L346 374H294z', sheet.round(material.brass)) +
    circle(320, 252, 42, sheet.ball(material.brass)) +
    circle(320, 252, 24, darken(material.brass, 0.3)) +
    screw(sheet, 320, 252, 18, lighten(material.brass, 0.15)) +
    screw(sheet, 320, 152, 7, material.brass) +
    screw(sheet, 320, 348, 7, material.brass)
  );
});

const hornCleat = standing(320, 200, (sheet) => {
  const wood = material.oak;
  return (
    rect(110, 366, 420, 34, sheet.roll(material.walnut), 6) +
    path('M250 366L262 300H378L390 366z', sheet.round(wood)) +
    path('M290 366L298 318H342L350 366z', darken(material.walnut, 0.35)) +
    path(
      'M128 238C150 216 210 240 262 240H378C430 240 490 216 512 238C526 262 470 312 400 318H240C170 312 114 262 128 238z',
      sheet.lit(wood),
    ) +
    line('M160 256C220 268 420 268 480 256', lighten(wood, 0.35), 4, { 'stroke-opacity': 0.7 }) +
    line('M190 284C260 296 380 296 450 284', darken(wood, 0.3), 3, { 'stroke-opacity': 0.5 }) +
    ellipse(282, 252, 13, 6, darken(wood, 0.4)) +
    ellipse(358, 252, 13, 6, darken(wood, 0.4)) +
    rope('M60 366C120 330 190 350 244 346C290 368 350 368 396 346', material.manila, 19) +
    rope('M248 328C290 348 350 348 392 328', material.manila, 19) +
    rope('M396 346C440 330 470 344 500 372C520 392 560 388 590 376', material.manila, 19)
  );
});

const monkeysFist = lying((sheet) => {
  const colour = '#dccba4';
  const strand = (d: string): string =>
    line(d, darken(colour, 0.55), 31) +
    line(d, colour, 26) +
    line(d, lighten(colour, 0.5), 6, { 'stroke-opacity': 0.6 });
  const across = [-82, -54, -27, 0, 27, 54, 82].map((step) => {
    const half = Math.round(Math.sqrt(104 ** 2 - step ** 2)) - 8;
    return strand(
      `M${238 - half} ${208 + step}C${238 - half / 2} ${208 + step * 1.22} ${238 + half / 2} ${208 + step * 1.22} ${238 + half} ${208 + step}`,
    );
  });
  const down = [-29, 29, 0].map((step) =>
    strand(`M${238 + step} 118C${238 + step * 1.5} 170 ${238 + step * 1.5} 246 ${238 + step} 298`),
  );
  return (
    rope(
      'M310 292C360 350 430 330 440 270C450 200 540 200 536 280C530 370 440 420 340 410C250 402 180 420 110 404',
      colour,
      26,
    ) +
    circle(238, 208, 100, darken(colour, 0.5)) +
    across.join('') +
    down.join('') +
    circle(238, 208, 112, sheet.out('#ffffff00', '#141c2b00', '#141c2b44', '#141c2b00'))
  );
});

const ropeFender = hanging((sheet) => {
  const colour = material.hemp;
  const half = (index: number): number => Math.round(Math.sqrt(1 - ((index - 4) / 5.3) ** 2) * 86);
  return (
    rope('M320 24C320 40 320 50 320 62', colour, 16) +
    rope(ring(320, 84, 20, 24), colour, 14) +
    rect(296, 104, 48, 26, sheet.roll(darken(colour, 0.2)), 8) +
    ellipse(320, 270, 76, 140, darken(colour, 0.5)) +
    repeat(9, (index) => {
      const width = half(index);
      const y = 146 + index * 29;
      return rope(
        `M${320 - width} ${y - 8}C${320 - width / 2} ${y + 18} ${320 + width / 2} ${y + 18} ${320 + width} ${y - 8}`,
        colour,
        34,
      );
    }) +
    ellipse(322, 270, 96, 152, sheet.across('#141c2b33', '#ffffff22', '#141c2b00', '#141c2b66')) +
    line(
      repeat(7, (index) => `M${302 + index * 6} 412L${284 + index * 12} ${458 - Math.abs(index - 3) * 4}`),
      darken(colour, 0.22),
      7,
    )
  );
});

/** By slug. */
export const riggingPictures: Readonly<Record<string, Picture>> = {
  'mooring-line-12mm': mooringLine,
  'halyard-braid-10mm': halyard,
  'tarred-whipping-twine': whippingTwine,
  'bronze-bow-shackle': bowShackle,
  'ash-single-block': singleBlock,
  'oak-horn-cleat': hornCleat,
  'monkeys-fist-heaving-line': monkeysFist,
  'hemp-rope-fender': ropeFender,
};
