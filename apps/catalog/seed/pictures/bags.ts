/** Pictures of the category "Bags and stowage". */
import { darken, lighten } from './sheet.ts';
import { circle, ellipse, line, material, path, rect, repeat, ring, rope, shine, stitches } from './shapes.ts';
import { lying, standing, type Picture } from './stage.ts';

const duffel = standing(320, 220, (sheet) => {
  const cloth = '#6c7247';
  return (
    line('M220 230C220 110 420 110 420 230', darken(material.leather, 0.25), 15) +
    path(
      'M150 220C110 230 92 280 96 320C98 372 120 392 160 394H480C520 392 542 372 544 320C548 280 530 230 490 220C400 204 240 204 150 220z',
      sheet.roll(cloth),
    ) +
    path(
      'M150 220C110 230 92 280 96 320C98 372 120 392 160 394C136 340 132 270 150 220zM490 220C530 230 548 280 544 320C542 372 520 392 480 394C504 340 508 270 490 220z',
      darken(cloth, 0.25),
    ) +
    line('M176 216C260 204 380 204 464 216', '#3a3d28', 9) +
    line('M176 216C260 204 380 204 464 216', material.brass, 4, {
      'stroke-dasharray': '4 4',
      'stroke-linecap': 'butt',
    }) +
    rect(206, 214, 30, 180, sheet.round(material.leather)) +
    rect(404, 214, 30, 180, sheet.round(material.leather)) +
    stitches('M212 220V392M230 220V392M410 220V392M428 220V392', '#e6cfa4') +
    line('M220 250C220 150 420 150 420 250', material.leather, 15) +
    rect(286, 158, 68, 30, sheet.roll(darken(material.leather, 0.1)), 12) +
    rect(264, 280, 112, 74, darken(cloth, 0.14), 8) +
    stitches('M270 288H370V348H270z', lighten(cloth, 0.4)) +
    circle(220, 246, 8, sheet.ball(material.brass)) +
    circle(420, 246, 8, sheet.ball(material.brass))
  );
});

const dryBag = standing(320, 130, (sheet) => {
  const cloth = '#d98a2b';
  return (
    path('M222 150C200 200 200 330 212 380C230 406 410 406 428 380C440 330 440 200 418 150z', sheet.round(cloth)) +
    path('M212 380C230 406 410 406 428 380L430 350C400 372 240 372 210 350z', darken(cloth, 0.28), {
      opacity: 0.8,
    }) +
    line('M252 176C246 230 246 290 254 340M392 170C400 220 398 280 390 330', darken(cloth, 0.3), 4, {
      'stroke-opacity': 0.4,
    }) +
    rect(206, 112, 228, 46, sheet.roll(darken(cloth, 0.12)), 20) +
    line('M214 136H426', darken(cloth, 0.4), 3) +
    line('M212 132C180 90 220 60 292 62M428 132C460 90 420 60 348 62', material.black, 16) +
    rect(284, 46, 72, 34, sheet.roll('#3b424d'), 8) +
    rect(314, 50, 12, 26, '#6b7683', 3) +
    shine('M238 190C228 240 230 300 236 340', 12, 0.4) +
    circle(320, 262, 44, 'none', { stroke: '#fff3da', 'stroke-width': 6 }) +
    line('M284 262c12-14 24-14 36 0s24 14 36 0', '#fff3da', 6) +
    line('M436 200C478 220 480 300 436 330', material.black, 9)
  );
});

const tote = standing(320, 155, (sheet) => {
  const cloth = '#f1ecdf';
  const strap = material.navy;
  return (
    line('M262 190C250 40 390 40 378 190', darken(strap, 0.3), 15) +
    path(
      'M176 170H464L484 372C484 396 156 396 156 372z',
      sheet.across(darken(cloth, 0.12), cloth, '#ffffff', darken(cloth, 0.2)),
    ) +
    path('M160 330L156 372C156 396 484 396 484 372L480 330z', sheet.round(strap)) +
    ellipse(320, 172, 144, 15, darken(cloth, 0.45)) +
    line('M176 172C200 192 440 192 464 172', darken(cloth, 0.1), 9) +
    line('M252 330L262 186C250 60 390 60 378 186L388 330', strap, 17) +
    stitches('M254 326L263 196M386 326L377 196', '#c8d3e2') +
    path('M320 222L366 306H320zM312 240V306H276z', material.red) +
    line('M268 316H374', material.red, 5) +
    line('M210 200C206 240 204 280 206 310M436 200C442 240 442 270 440 300', darken(cloth, 0.3), 3, {
      'stroke-opacity': 0.35,
    })
  );
});

const backpack = standing(320, 140, (sheet) => {
  const cloth = '#3e5f66';
  return (
    line('M280 92C280 50 360 50 360 92', darken(cloth, 0.4), 14) +
    line('M206 190C160 240 170 330 206 360M434 190C480 240 470 330 434 360', darken(cloth, 0.45), 20) +
    path('M220 150C220 70 420 70 420 150L438 370C438 398 202 398 202 370z', sheet.round(cloth)) +
    path('M234 290H406L412 366C412 386 228 386 228 366z', sheet.lit(darken(cloth, 0.1))) +
    stitches('M242 300H398', lighten(cloth, 0.5)) +
    path('M208 140C214 66 426 66 432 140L436 224C436 250 204 250 204 224z', sheet.lit(lighten(cloth, 0.08))) +
    stitches('M214 222C240 236 400 236 426 222', lighten(cloth, 0.5)) +
    rect(258, 216, 24, 100, sheet.round(material.leather), 4) +
    rect(358, 216, 24, 100, sheet.round(material.leather), 4) +
    rect(252, 278, 36, 28, 'none', 5, { stroke: material.brass, 'stroke-width': 6 }) +
    rect(352, 278, 36, 28, 'none', 5, { stroke: material.brass, 'stroke-width': 6 }) +
    rect(296, 136, 48, 34, sheet.roll(material.leather), 6) +
    shine('M230 130C236 106 256 98 276 94', 7, 0.3)
  );
});

const toolRoll = lying((sheet) => {
  const cloth = '#b9975f';
  const tool = (x: number, top: number, wide: number, colour: string): string =>
    rect(x - wide / 2, top, wide, 260 - top, sheet.round(colour), 7);
  return (
    path('M90 140H500V390H90z', sheet.lit(cloth)) +
    path('M90 140H500V176H90z', darken(cloth, 0.16)) +
    tool(130, 150, 26, material.walnut) +
    tool(186, 128, 16, material.steel) +
    tool(240, 158, 30, material.red) +
    tool(298, 120, 20, material.ash) +
    tool(352, 150, 26, material.iron) +
    tool(404, 134, 14, material.steel) +
    tool(456, 156, 28, material.beech) +
    rect(90, 232, 410, 158, sheet.lit(lighten(cloth, 0.1))) +
    stitches(
      'M158 236V386M213 236V386M268 236V386M326 236V386M379 236V386M430 236V386M94 242H496',
      darken(cloth, 0.45),
    ) +
    rect(486, 126, 74, 278, sheet.round(darken(cloth, 0.06)), 34) +
    ellipse(523, 140, 30, 15, darken(cloth, 0.3)) +
    line('M508 140c0-8 28-8 28 0s-20 6-20 0', lighten(cloth, 0.3), 3) +
    line('M560 262C600 256 600 300 570 316', material.leather, 14) +
    rect(544, 250, 26, 26, 'none', 4, { stroke: material.brass, 'stroke-width': 6 })
  );
});

const dittyBag = standing(320, 125, (sheet) => {
  const cloth = material.canvas;
  return (
    path('M250 170C196 220 190 340 214 376C240 402 400 402 426 376C450 340 444 220 390 170z', sheet.round(cloth)) +
    path('M214 376C240 402 400 402 426 376L432 348C390 366 250 366 208 348z', sheet.round(material.leather)) +
    path(
      'M232 112C260 96 380 96 408 112C400 140 388 152 390 172H250C252 152 240 140 232 112z',
      sheet.across(
        darken(cloth, 0.25),
        lighten(cloth, 0.25),
        darken(cloth, 0.05),
        lighten(cloth, 0.15),
        darken(cloth, 0.3),
      ),
    ) +
    ellipse(320, 112, 86, 13, darken(cloth, 0.4)) +
    line('M270 122L276 168M300 126L302 170M340 126L338 170M370 122L364 168', darken(cloth, 0.35), 3, {
      'stroke-opacity': 0.6,
    }) +
    repeat(5, (index) => circle(264 + index * 28, 146, 6, sheet.ball(material.brass))) +
    rope('M248 176C290 188 350 188 392 176', material.navy, 13) +
    rope('M382 178C430 200 440 240 420 282', material.navy, 11) +
    rope('M376 180C400 210 404 240 392 270', material.navy, 11) +
    circle(420, 290, 13, sheet.ball(material.navy)) +
    circle(392, 278, 13, sheet.ball(material.navy)) +
    stitches('M214 342C260 358 380 358 426 342', '#8d7a53') +
    line('M250 200C232 250 232 300 240 330', darken(cloth, 0.3), 4, { 'stroke-opacity': 0.3 }) +
    line(ring(300, 262, 26, 26), material.red, 6) +
    line('M300 236V310M278 298C290 312 310 312 322 298', material.red, 6)
  );
});

const stowageCrate = standing(320, 205, (sheet) => {
  const wood = material.ash;
  return (
    path('M150 190H490L520 226H120z', darken(material.walnut, 0.4)) +
    path('M150 178H490V206H150z', darken(wood, 0.35)) +
    repeat(
      3,
      (index) =>
        rect(120, 222 + index * 58, 400, 50, sheet.lit(wood), 4) +
        line(
          `M150 ${240 + index * 58}C250 ${232 + index * 58} 330 ${250 + index * 58} 480 ${240 + index * 58}`,
          darken(wood, 0.3),
          2.5,
          { 'stroke-opacity': 0.45 },
        ),
    ) +
    rect(120, 222, 34, 172, sheet.round(darken(wood, 0.08)), 3) +
    rect(486, 222, 34, 172, sheet.round(darken(wood, 0.08)), 3) +
    [244, 302, 360].map((y) => circle(137, y, 5, material.brass) + circle(503, y, 5, material.brass)).join('') +
    rect(272, 236, 96, 24, darken(material.walnut, 0.35), 12) +
    path('M116 222L150 176H162L134 222zM524 222L490 176H478L506 222z', sheet.lit(lighten(wood, 0.1))) +
    rope('M240 330C260 380 380 380 400 330', material.manila, 15) +
    circle(240, 328, 9, darken(material.walnut, 0.3)) +
    circle(400, 328, 9, darken(material.walnut, 0.3))
  );
});

/** By slug. */
export const bagPictures: Readonly<Record<string, Picture>> = {
  'waxed-canvas-duffel': duffel,
  'roll-top-dry-bag-20l': dryBag,
  'sailcloth-tote': tote,
  'deckhand-backpack': backpack,
  'canvas-tool-roll': toolRoll,
  'drawstring-ditty-bag': dittyBag,
  'ash-stowage-crate': stowageCrate,
};
