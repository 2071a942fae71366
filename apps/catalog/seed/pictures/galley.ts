/** Pictures of the category "Galley". */
import { darken, lighten, type Sheet } from './sheet.ts';
import { circle, ellipse, group, line, material, path, rect, repeat, shine } from './shapes.ts';
import { lying, standing, type Picture } from './stage.ts';

const steam = (x: number, y: number): string =>
  repeat(3, (index) => line(`M${x + index * 34} ${y}c-18-22 18-34 0-60`, '#ffffff', 8, { 'stroke-opacity': 0.5 }));

const mug = standing(300, 125, (sheet) => {
  const enamel = '#f6f3ea';
  return (
    steam(266, 124) +
    line('M404 210C492 200 492 330 400 330', material.navy, 28) +
    line('M404 210C492 200 492 330 400 330', enamel, 20) +
    path('M190 166L200 374C204 400 396 400 400 374L410 166z', sheet.round(enamel)) +
    ellipse(300, 166, 110, 26, material.navy) +
    ellipse(300, 168, 101, 21, darken(enamel, 0.18)) +
    ellipse(300, 174, 92, 15, '#4a2d1c') +
    ellipse(280, 172, 40, 6, '#7a5234') +
    [
      [240, 280],
      [352, 236],
      [338, 342],
      [268, 350],
    ]
      .map(([x = 0, y = 0], index) => circle(x, y, 3 + (index % 3), '#5b6c83'))
      .join('') +
    shine('M218 200L226 350', 10, 0.7)
  );
});

const kettle = standing(310, 170, (sheet) => {
  const enamel = '#3f7a6c';
  return (
    line('M206 190C196 60 424 60 414 190', material.iron, 13) +
    rect(254, 82, 112, 30, sheet.roll(material.beech), 14) +
    path('M430 300C490 280 484 220 530 196L552 214C520 250 520 330 440 360z', sheet.lit(enamel)) +
    ellipse(541, 204, 17, 9, darken(enamel, 0.5), { transform: 'rotate(38 541 204)' }) +
    path('M206 196C150 250 150 350 176 380C200 402 420 402 444 380C470 350 470 250 414 196z', sheet.round(enamel)) +
    path('M206 198C220 164 400 164 414 198C390 214 230 214 206 198z', sheet.round(lighten(enamel, 0.1))) +
    line('M206 198C230 214 390 214 414 198', darken(enamel, 0.4), 4) +
    circle(310, 162, 15, sheet.ball(material.beech)) +
    circle(206, 192, 9, sheet.ball(material.brass)) +
    circle(414, 192, 9, sheet.ball(material.brass)) +
    path('M178 380C200 402 420 402 442 380L448 370C400 388 220 388 172 370z', darken(enamel, 0.4)) +
    shine('M196 240C176 280 178 320 190 350', 12)
  );
});

const skillet = lying(
  (sheet) =>
    path('M396 214L566 118C590 108 606 140 588 152L424 262z', sheet.lit('#3a3f47')) +
    path('M560 132C574 126 584 140 572 148C562 156 550 138 560 132z', '#dcc2b4') +
    circle(196, 106, 20, '#3b4149') +
    circle(316, 418, 20, '#282d34') +
    circle(256, 262, 176, sheet.ball('#3b4149')) +
    circle(256, 262, 160, '#1f2329') +
    circle(256, 262, 150, sheet.out('#30353d', '#2b3037', '#3d434c')) +
    shine('M142 200A130 130 0 0 1 230 136', 7, 0.25) +
    path(
      'M196 250C180 210 240 180 280 204C330 196 356 250 326 288C320 330 250 336 226 312C186 316 176 276 196 250z',
      '#fbf7ec',
    ) +
    circle(262, 256, 38, sheet.ball('#f0a528')),
);

const flask = standing(320, 85, (sheet) => {
  const body = '#2f6b5a';
  return (
    rect(242, 168, 156, 228, sheet.round(body), 18) +
    path('M242 186C242 160 262 150 268 136H372C378 150 398 160 398 186z', sheet.round(body)) +
    rect(264, 124, 112, 16, sheet.round(material.steel), 4) +
    path('M262 70C262 56 378 56 378 70V122C378 128 262 128 262 122z', sheet.round(material.steel)) +
    repeat(7, (index) =>
      line(`M${276 + index * 15} 74v44`, darken(material.steel, 0.3), 2, { 'stroke-opacity': 0.5 }),
    ) +
    rect(242, 366, 156, 24, sheet.round(material.steel), 6) +
    line('M398 200C450 200 450 326 398 326', material.steel, 13) +
    rect(242, 226, 156, 10, lighten(body, 0.5), 0, { opacity: 0.5 }) +
    rect(242, 330, 156, 10, lighten(body, 0.5), 0, { opacity: 0.5 }) +
    line('M320 256V310M300 268H340M292 292C300 314 340 314 348 292', '#e9f1ea', 6) +
    circle(320, 252, 7, 'none', { stroke: '#e9f1ea', 'stroke-width': 5 }) +
    shine('M266 190V356', 10, 0.4)
  );
});

const board = lying((sheet) => {
  const wood = '#c08b4f';
  const lemon = (x: number, y: number): string =>
    circle(x, y, 40, '#f0c93b') +
    circle(x, y, 33, '#fdf3c4') +
    repeat(6, (index) =>
      group(`rotate(${index * 60} ${x} ${y})`, path(`M${x} ${y - 4}l-13-23a26 26 0 0 1 26 0z`, '#f6da63')),
    );
  return (
    path(
      'M96 150C96 122 120 108 150 108H440C470 108 480 150 500 196C520 206 590 200 590 242C590 284 520 276 500 288C480 340 470 376 440 376H150C120 376 96 362 96 334z',
      sheet.lit(wood),
    ) +
    circle(556, 242, 15, '#e9cdbf', { stroke: darken(wood, 0.4), 'stroke-width': 4 }) +
    line(
      'M120 160C220 140 300 190 460 150M116 220C220 190 300 250 500 214M118 290C240 260 340 330 480 300M130 346C240 330 300 356 430 344',
      darken(wood, 0.35),
      4,
      { 'stroke-opacity': 0.5 },
    ) +
    line('M210 242c20-24 60-24 76 0s-56 30-76 0', darken(wood, 0.35), 4, {
      'stroke-opacity': 0.5,
    }) +
    shine('M118 130C130 118 150 118 200 118', 5, 0.4) +
    group(
      'rotate(8 300 300)',
      path('M160 300H380V322C300 330 200 336 160 300z', sheet.down('#eef2f5', '#a8b4bf')),
      rect(376, 292, 96, 28, sheet.roll(material.walnut), 10),
      circle(400, 306, 4, material.brass),
      circle(444, 306, 4, material.brass),
    ) +
    lemon(206, 206) +
    lemon(292, 190)
  );
});

const handle = (sheet: Sheet, x: number): string =>
  rect(x - 15, 254, 30, 156, sheet.round(material.beech), 12) +
  circle(x, 290, 5, material.brass) +
  circle(x, 376, 5, material.brass) +
  rect(x - 10, 226, 20, 36, sheet.round(material.steel), 4);

const cutlery = lying(
  (sheet) =>
    rect(150, 324, 340, 106, sheet.lit('#8b5e3c'), 10) +
    handle(sheet, 212) +
    path(
      'M176 66H186V136H194V66H204V136H220V66H230V136H238V66H248V150C248 190 226 196 222 232H202C198 196 176 190 176 150z',
      sheet.round(material.steel),
    ) +
    handle(sheet, 320) +
    path('M306 232C306 170 300 110 312 62C346 84 346 180 336 232z', sheet.across('#eef2f5', '#c3ccd5', '#93a0ac')) +
    handle(sheet, 428) +
    ellipse(428, 120, 40, 58, sheet.ball(material.steel)) +
    ellipse(426, 116, 27, 43, darken(material.steel, 0.14), { opacity: 0.6 }) +
    path('M418 172H438L440 234H416z', sheet.round(material.steel)) +
    path('M150 334C150 324 490 324 490 334V420C490 430 150 430 150 420z', sheet.lit('#a5724a'), {
      transform: 'translate(0 28)',
    }) +
    line('M158 374H482', '#e8cfa8', 2.5, { 'stroke-dasharray': '9 6' }),
);

const moka = standing(320, 115, (sheet) => {
  const metal = '#b7bfc7';
  return (
    path('M404 150L476 140C496 140 500 164 496 180L480 300H456L464 190L412 196z', sheet.lit(material.black)) +
    path(
      'M244 232L222 384C222 398 418 398 418 384L396 232z',
      sheet.across(darken(metal, 0.3), lighten(metal, 0.2), lighten(metal, 0.5), metal, metal, darken(metal, 0.35)),
    ) +
    line('M282 240L272 392M358 240L368 392', darken(metal, 0.3), 3) +
    rect(234, 216, 172, 24, sheet.round(darken(metal, 0.15)), 6) +
    path(
      'M252 216L226 120L196 108L232 96H410L388 216z',
      sheet.across(darken(metal, 0.3), lighten(metal, 0.2), lighten(metal, 0.5), metal, metal, darken(metal, 0.35)),
    ) +
    line('M284 104L290 212M356 104L350 212', darken(metal, 0.3), 3) +
    path('M224 98L320 66L416 98z', sheet.across(darken(metal, 0.1), lighten(metal, 0.3), darken(metal, 0.25))) +
    path('M308 66L304 40H336L332 66z', sheet.round(material.black)) +
    circle(262, 310, 12, sheet.ball(material.brass)) +
    steam(150, 96)
  );
});

const stewPot = standing(320, 175, (sheet) => {
  const enamel = '#c9573f';
  return (
    line('M160 250C110 246 110 300 164 296M480 250C530 246 530 300 476 296', darken(enamel, 0.3), 17) +
    path('M156 220L168 366C172 402 468 402 472 366L484 220z', sheet.round(enamel)) +
    rect(146, 204, 348, 24, sheet.roll('#f3eee2'), 11) +
    path('M156 206C170 150 470 150 484 206z', sheet.round(lighten(enamel, 0.06))) +
    path('M296 160C296 130 344 130 344 160z', sheet.round(material.black)) +
    ellipse(320, 132, 30, 12, sheet.roll(material.black)) +
    shine('M186 246L194 350', 12, 0.4) +
    shine('M196 190C220 174 250 168 276 166', 6, 0.4) +
    path('M170 374C180 402 460 402 470 374C420 390 220 390 170 374z', darken(enamel, 0.4))
  );
});

/** By slug. */
export const galleyPictures: Readonly<Record<string, Picture>> = {
  'enamel-watch-mug': mug,
  'stovetop-kettle': kettle,
  'cast-iron-skillet': skillet,
  'vacuum-flask-1l': flask,
  'olive-wood-board': board,
  'galley-cutlery-set': cutlery,
  'six-cup-moka-pot': moka,
  'enamel-stew-pot': stewPot,
};
