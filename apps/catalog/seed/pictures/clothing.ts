/** Pictures of the category "Clothing". */
import { darken, lighten } from './sheet.ts';
import { circle, ellipse, group, line, material, path, rect, repeat, shine, stitches } from './shapes.ts';
import { hanging, lying, standing, type Picture } from './stage.ts';

const jacket = hanging((sheet) => {
  const cloth = '#e0aa2e';
  const seam = darken(cloth, 0.35);
  return (
    path('M256 88C180 104 150 130 134 180L92 372L156 390L204 250z', sheet.across(darken(cloth, 0.16), cloth)) +
    path('M384 88C460 104 490 130 506 180L548 372L484 390L436 250z', sheet.across(cloth, darken(cloth, 0.25))) +
    path(
      'M256 84L196 130L204 424H436L444 130L384 84z',
      sheet.across(darken(cloth, 0.08), lighten(cloth, 0.16), cloth, darken(cloth, 0.16)),
    ) +
    path(
      'M256 92C250 40 390 40 384 92C372 130 350 148 320 158C290 148 268 130 256 92z',
      sheet.lit(darken(cloth, 0.08)),
    ) +
    path('M278 92C280 66 360 66 362 92C352 116 340 126 320 134C300 126 288 116 278 92z', material.navy) +
    rect(306, 150, 28, 274, darken(cloth, 0.08)) +
    stitches('M306 156V422M334 156V422', seam) +
    [190, 250, 310, 370]
      .map((y) => rect(300, y, 40, 11, material.black, 5) + circle(337, y + 5, 7, sheet.ball(material.brass)))
      .join('') +
    rect(222, 312, 68, 76, 'none', 6, { stroke: seam, 'stroke-width': 3 }) +
    rect(350, 312, 68, 76, 'none', 6, { stroke: seam, 'stroke-width': 3 }) +
    rect(218, 304, 76, 22, sheet.lit(cloth), 6) +
    rect(346, 304, 76, 22, sheet.lit(cloth), 6) +
    line('M104 340L166 356M536 340L474 356', '#f4f1e4', 12, { 'stroke-linecap': 'butt' }) +
    shine('M216 150L220 280', 8, 0.3)
  );
});

const jumper = hanging((sheet) => {
  const wool = '#2f4a6d';
  const rib = lighten(wool, 0.22);
  return (
    path('M240 100C170 116 150 150 140 200L100 370L166 386L212 250z', sheet.across(darken(wool, 0.2), wool)) +
    path('M400 100C470 116 490 150 500 200L540 370L474 386L428 250z', sheet.across(wool, darken(wool, 0.3))) +
    path(
      'M252 92L196 128L206 412C240 422 400 422 434 412L444 128L388 92C360 112 280 112 252 92z',
      sheet.across(darken(wool, 0.14), lighten(wool, 0.08), wool, darken(wool, 0.2)),
    ) +
    path('M252 94C256 66 384 66 388 94C360 124 280 124 252 94z', darken(wool, 0.4)) +
    line('M252 94C280 124 360 124 388 94', lighten(wool, 0.1), 17) +
    line('M254 98C282 126 358 126 386 98', darken(wool, 0.3), 15, {
      'stroke-dasharray': '2 6',
      'stroke-linecap': 'butt',
    }) +
    repeat(5, (index) =>
      line(`M216 ${162 + index * 16}H424`, rib, 9, {
        'stroke-dasharray': '3 7',
        'stroke-linecap': 'butt',
        'stroke-dashoffset': (index % 2) * 5,
        'stroke-opacity': 0.8,
      }),
    ) +
    line('M212 152H428M212 238H428', rib, 3) +
    repeat(6, (index) =>
      line(`M${236 + index * 34} 250V372`, rib, 7, {
        'stroke-dasharray': '3 9',
        'stroke-linecap': 'butt',
        'stroke-opacity': 0.35,
      }),
    ) +
    line('M206 398H434', darken(wool, 0.35), 30, {
      'stroke-dasharray': '3 6',
      'stroke-linecap': 'butt',
    }) +
    line('M104 356L168 372M536 356L472 372', darken(wool, 0.35), 28, {
      'stroke-dasharray': '3 5',
      'stroke-linecap': 'butt',
    })
  );
});

const watchCap = standing(320, 140, (sheet) => {
  const wool = '#b4532f';
  return (
    path('M190 306C180 150 250 96 320 96C390 96 460 150 450 306z', sheet.round(wool)) +
    line(
      repeat(
        9,
        (index) => `M${208 + index * 28} 306C${204 + index * 29} 220 ${270 + index * 12} 140 ${300 + index * 5} 104`,
      ),
      darken(wool, 0.35),
      4,
      { 'stroke-opacity': 0.55 },
    ) +
    path('M172 300C172 284 468 284 468 300V374C468 400 172 400 172 374z', sheet.round(lighten(wool, 0.06))) +
    line(
      repeat(17, (index) => `M${184 + index * 17} 294V386`),
      darken(wool, 0.35),
      4,
      { 'stroke-opacity': 0.5 },
    ) +
    rect(340, 322, 56, 40, sheet.lit('#efe4cc'), 4) +
    line('M368 332V352M358 346C362 354 374 354 378 346M362 336H374', material.navy, 3.5)
  );
});

const boots = standing(320, 215, (sheet) => {
  const rubber = '#3c5a4a';
  const boot = (shift: number, shade: number): string => {
    const colour = darken(rubber, shade);
    return group(
      `translate(${shift} 0)`,
      path('M150 110C180 98 250 98 276 110L270 280C300 316 370 316 380 362V384H150z', sheet.round(colour)),
      ellipse(213, 110, 63, 15, darken(colour, 0.5)),
      path('M146 376H384C388 400 380 402 370 402H232V396H212V402H146z', '#efe8d6'),
      line('M150 376H382', material.red, 6),
      line('M150 140C190 152 240 152 274 140', '#efe8d6', 9),
      path('M282 296C322 306 366 320 376 356L330 356C330 326 310 310 282 296z', lighten(colour, 0.12)),
      shine('M172 160V330', 9, 0.3),
    );
  };
  return boot(108, 0.2) + boot(-40, 0);
});

const gloves = lying((sheet) => {
  const hide = '#cfa766';
  const hand = [
    path(
      'M-62 150V20L-106-30C-122-54-96-72-78-54L-54-30L-62-130C-62-154-28-154-26-130L-20-60L-16-160C-14-184 18-184 18-160L20-60L30-148C34-170 64-168 62-144L56-40L74-104C82-124 106-116 102-94L78 40V150z',
      sheet.across(darken(hide, 0.12), lighten(hide, 0.18), darken(hide, 0.18)),
    ),
    path('M-46 20C-40-20 60-30 62 20C62 70 40 96 6 96C-26 96-46 70-46 20z', darken(material.leather, 0.06)),
    stitches('M-38 20C-30-10 52-18 54 20C54 62 34 88 6 88C-20 88-38 62-38 20z', '#ecd9ae'),
    path('M-66 132H82V184C40 194-24 194-66 184z', sheet.round(material.navy)),
    line('M-60 154H76', lighten(material.navy, 0.4), 5),
    line('M-20-60L-18-30M20-60V-30M56-40L50-20', darken(hide, 0.45), 3),
  ].join('');
  return group('translate(206 244) rotate(-10)', hand) + group('translate(436 248) rotate(10) scale(-1 1)', hand);
});

const socks = lying((sheet) => {
  const wool = '#8d8f98';
  const sock = [
    path(
      'M0 0H96V190C96 226 120 240 170 262C206 280 200 336 156 336C96 336 40 312 16 276C0 250 0 226 0 190z',
      sheet.round(wool),
    ),
    path(
      'M0 190C0 230 4 256 20 280C50 260 66 230 60 200C40 190 20 188 0 190zM150 254C206 276 206 336 156 336C136 336 128 334 116 332C124 306 134 276 150 254z',
      lighten(material.cream, 0),
    ),
    rect(-4, -8, 104, 54, sheet.round(darken(wool, 0.15)), 8),
    repeat(8, (index) => line(`M${6 + index * 12} -4V42`, darken(wool, 0.5), 3, { 'stroke-opacity': 0.5 })),
    line('M0 66H96M0 84H96', material.red, 9, { 'stroke-linecap': 'butt' }),
    line('M24 104V180M48 104V200M72 104V220', lighten(wool, 0.4), 6, {
      'stroke-dasharray': '3 7',
      'stroke-linecap': 'butt',
      'stroke-opacity': 0.6,
    }),
  ].join('');
  return group('translate(330 66) rotate(6)', sock) + group('translate(134 78) rotate(-5)', sock);
});

const apron = hanging((sheet) => {
  const cloth = '#55606e';
  return (
    line('M262 130C240 20 400 20 378 130', material.leather, 11) +
    line('M190 236C130 240 120 300 96 330M450 236C510 240 520 300 544 330', material.leather, 11) +
    path(
      'M254 120H386C390 190 420 220 456 228V420C400 432 240 432 184 420V228C220 220 250 190 254 120z',
      sheet.across(darken(cloth, 0.2), lighten(cloth, 0.12), cloth, darken(cloth, 0.22)),
    ) +
    stitches(
      'M264 130H376C382 196 410 228 446 238V410C400 420 240 420 194 410V238C230 228 258 196 264 130z',
      '#c9b78f',
    ) +
    rect(282, 158, 76, 64, darken(cloth, 0.18), 5) +
    stitches('M288 164H352V216H288z', '#c9b78f') +
    rect(306, 126, 12, 74, sheet.round('#e0a93f'), 3) +
    path('M306 126l6-16l6 16z', '#efd9b0') +
    rect(326, 140, 9, 60, sheet.round(material.red), 3) +
    rect(226, 282, 188, 96, darken(cloth, 0.18), 6) +
    stitches('M232 288H408V372H232zM320 288V372', '#c9b78f') +
    [
      [262, 128],
      [378, 128],
      [194, 234],
      [446, 234],
      [230, 286],
      [410, 286],
    ]
      .map(([x = 0, y = 0]) => circle(x, y, 7, sheet.ball(material.brass)))
      .join('')
  );
});

/** By slug. */
export const clothingPictures: Readonly<Record<string, Picture>> = {
  'oilskin-deck-jacket': jacket,
  'guernsey-jumper': jumper,
  'merino-watch-cap': watchCap,
  'rubber-deck-boots': boots,
  'goatskin-rope-gloves': gloves,
  'boot-length-wool-socks': socks,
  'workshop-apron': apron,
};
